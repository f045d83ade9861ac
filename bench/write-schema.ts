/** Writes bench/result.schema.json anew: `npm run bench:schema`. */
import { writeFileSync } from 'node:fs';
import { schemaText } from './result-schema.ts';

writeFileSync(new URL('./result.schema.json', import.meta.url), schemaText());
