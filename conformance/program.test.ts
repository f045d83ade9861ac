import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../demo/process.ts';
import * as ck from '../lib/pkcs11/constants.ts';
import { hold } from './check.ts';
import { Broken, bare, equal } from './client.ts';
import { makeKeys, type Preparation, p256Key, privateKey } from './keys.ts';
import { programOf } from './program.ts';
import { promise, promiseOf } from './promise.ts';
import type { Subject } from './subject.ts';
import { softhsm } from './subjects/softhsm.ts';
import { initializeTokens, PIN, SOFTHSM } from './subjects/softhsm-token.ts';

const BUILD = join(import.meta.dirname, '../build');
let folder: string;
let subject: Subject;
let preparation: readonly Preparation[];

beforeAll(async () => {
  mkdirSync(BUILD, { recursive: true });
  folder = mkdtempSync(join(BUILD, 'program-'));
  subject = await softhsm.open();
  preparation = await makeKeys(subject);
});
afterAll(async () => {
  await subject.close();
  rmSync(folder, { recursive: true });
});

/** Nobody keeps this: a signature of five bytes and more is refused. */
const noLongMessages = promiseOf({
  id: 'no-long-messages',
  title: 'Messages of five bytes and more are refused',
  spec: 'none',
  by: 'standard',
  given: fc.uint8Array({ minLength: 1, maxLength: 32 }),
  check: async (client, data) => {
    const session = await client.enter();
    const key = await privateKey(client, session, p256Key);
    const mechanism = bare(ck.CKM_ECDSA);
    await client.ok('signInit', { session, mechanism, key });
    const { rv } = await client.call('sign', { session, data, signature: 2048 });
    equal(rv, data.length < 5 ? ck.CKR_OK : ck.CKR_DATA_LEN_RANGE, 'the code');
  },
});

test('a broken promise is shrunk, and printed as a program that makes the same calls with the same answers', async () => {
  const { outcome, failure } = await hold(noLongMessages, subject, { runs: 100, seed: 1 });
  expect(outcome).toBe('broken');
  expect(failure?.counterexample).toBe('Uint8Array.from([0,0,0,0,0])');

  const file = join(folder, 'failure.ts');
  writeFileSync(file, programOf({ about: ['a test'], preparation, steps: failure?.steps ?? [] }));
  const configuration = await initializeTokens(folder);
  const env = { PATH: process.env.PATH, SOFTHSM2_CONF: configuration, PKCS11_MODULE: SOFTHSM, PKCS11_PIN: PIN };
  const { stdout, stderr, status } = await runProgram(process.execPath, [file], { env });

  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  expect(stdout).not.toContain('then:');
  expect(stdout.trim().split('\n').slice(-3)).toEqual(['C_SignInit CKR_OK', 'C_Sign CKR_OK', 'C_Finalize CKR_OK']);
});

test('a promise that another library keeps otherwise is broken when it fails in any other way', async () => {
  const known = { id: 'logout-without-login', title: 'fails', spec: 'none', by: 'standard' } as const;
  const failing = (message: string) =>
    promise({
      ...known,
      check: async () => {
        throw new Broken(message);
      },
    });
  const outcomeOf = async (message: string) => (await hold(failing(message), subject, { runs: 1, seed: 1 })).outcome;
  expect(await outcomeOf('logout gave CKR_OK 0x0, and another is promised')).toBe('differs');
  expect(await outcomeOf('logout gave CKR_DEVICE_ERROR 0x30, and another is promised')).toBe('broken');
});

test('the PIN is in no program: it comes from the environment', () => {
  const program = programOf({ about: [], preparation, steps: [] });
  const [head, calls = ''] = program.split('// The keys of the suite.');
  expect(head).toContain('PKCS11_PIN = ');
  expect(calls).not.toContain(PIN);
  expect(calls).not.toContain(Buffer.from(PIN).toString('hex'));
});
