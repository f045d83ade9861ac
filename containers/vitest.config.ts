import { defineConfig } from 'vitest/config';

const MINUTE_MS = 60_000;

/** The tests that need Docker; `npm test` leaves them out. */
export default defineConfig({
  test: {
    include: ['containers/docker/**/*.test.ts'],
    reporters: ['verbose'],
    testTimeout: 5 * MINUTE_MS,
    hookTimeout: 5 * MINUTE_MS,
    fileParallelism: false,
  },
});
