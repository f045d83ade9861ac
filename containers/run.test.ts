import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

test('where no engine answers, one line says that nothing was tested and why, and nothing failed', async () => {
  const env = { PATH: process.env.PATH, DOCKER_HOST: 'unix:///nowhere' };
  const { stdout, stderr } = await run(process.execPath, [join(import.meta.dirname, 'run.ts')], { env });
  expect(stdout).toMatch(/^test:containers: skipped, no Docker engine answers: .+\n$/);
  expect(stderr).toBe('');
});
