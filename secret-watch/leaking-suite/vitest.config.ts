import { defineConfig } from 'vitest/config';
import { ClosingLine } from '../../scripts/closing-line.ts';
import { FOLDER_VARIABLE } from '../evidence.ts';
import { SecretWatch } from '../reporter.ts';

const watch = new SecretWatch();

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['leaking.ts'],
    setupFiles: ['../record-children.ts'],
    env: { [FOLDER_VARIABLE]: watch.folder },
    reporters: [watch, new ClosingLine(() => watch.leaks)],
  },
});
