/** `npm run man`: writes the manual pages. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDER, manualPages } from './pages.ts';

mkdirSync(FOLDER, { recursive: true });
for (const [name, source] of manualPages()) writeFileSync(join(FOLDER, name), source);
