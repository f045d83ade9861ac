import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

/** Output of a checker that found something, or an empty string. */
async function complaints(program: string, ...args: string[]): Promise<string> {
  return run(`node_modules/.bin/${program}`, args, { maxBuffer: 16 * 1024 * 1024 }).then(
    () => '',
    (error: { stdout?: string; stderr?: string }) => `${error.stdout ?? ''}${error.stderr ?? ''}`,
  );
}

test('every file is formatted and passes the linter', async () => {
  expect(await complaints('biome', 'check', '--error-on-warnings', '.')).toBe('');
});

test('everything has its types, strictly', async () => {
  expect(await complaints('tsc')).toBe('');
  expect(await complaints('tsc', '-p', 'mock-hsm/page/browser')).toBe('');
  expect(await complaints('tsc', '-p', 'bench/report/browser')).toBe('');
});
