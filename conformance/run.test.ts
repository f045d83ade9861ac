import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProgram } from '../demo/process.ts';
import { inCopy } from './mutations/trial.ts';

const suite = (folder: string, ...words: string[]) =>
  runProgram(process.execPath, [join(folder, 'conformance/run.ts'), ...words], { cwd: folder });
const REFUSED = /C_Login: .*CKR_PIN_INCORRECT/;

/** Nobody keeps that, and the module says why. */
const otherPromise = {
  name: 'another-code',
  file: 'conformance/promises/sessions.ts',
  search: "await client.gives(ck.CKR_PIN_INCORRECT, 'login', request);",
  replace: "await client.gives(ck.CKR_OK, 'login', request);",
  broken: 'a wrong PIN is promised to be accepted',
};

test('what the module says of a refusal is shown by a run that fails, and by no other', async () => {
  const words = ['--subject', 'module', '--promise', 'login-wrong-pin', '--runs', '1'];
  const good = await inCopy(undefined, (folder) => suite(folder, ...words));
  const bad = await inCopy(otherPromise, (folder) => suite(folder, ...words));
  expect(good).toMatchObject({ status: 0, stderr: '' });
  expect(good.stdout).not.toMatch(REFUSED);
  expect(bad.status).toBe(1);
  expect(bad.stdout).toContain('BROKEN login-wrong-pin');
  expect(bad.stderr).toMatch(REFUSED);
});

test('a word that the suite does not take is its complaint, and the exit status is 1', async () => {
  const { status, stderr } = await suite(join(import.meta.dirname, '..'), '--subject', 'nobody');
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('nobody is no subject') });
});
