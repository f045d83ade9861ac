import { defineConfig } from 'vitest/config';
import { against, needTags } from './mock-hsm/contract/needs.ts';
import { SkippedTests } from './mock-hsm/contract/skipped-tests.ts';
import { ClosingLine } from './scripts/closing-line.ts';
import { FOLDER_VARIABLE } from './secret-watch/evidence.ts';
import { SecretWatch } from './secret-watch/reporter.ts';

const watch = new SecretWatch();

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    // Those of containers/docker need an engine: npm run test:containers.
    exclude: ['node_modules/**', 'dist/**', 'native/build/**', 'containers/docker/**'],
    setupFiles: ['secret-watch/record-children.ts'],
    env: { [FOLDER_VARIABLE]: watch.folder },
    reporters: [
      ...(against === undefined ? ['default'] : ['verbose', new SkippedTests()]),
      watch,
      new ClosingLine(() => watch.leaks),
    ],
    tags: needTags,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Tests start servers and compilers; two cores are enough for two files at a time.
    maxWorkers: 2,
  },
});
