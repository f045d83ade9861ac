import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Finished, runProgram } from '../demo/process.ts';
import { CKR_USER_ALREADY_LOGGED_IN, CKU_USER } from '../lib/pkcs11/constants.ts';
import { hold, tryToBreak } from './check.ts';
import { Broken, Client, RW } from './client.ts';
import { makeKeys } from './keys.ts';
import { mutations } from './mutations/all.ts';
import { inCopy } from './mutations/trial.ts';
import { programOf } from './program.ts';
import { type Promised, promise } from './promise.ts';
import { promises } from './promises/all.ts';
import type { Subject } from './subject.ts';
import { memory } from './subjects/memory.ts';
import { softhsm } from './subjects/softhsm.ts';
import { PIN } from './subjects/softhsm-token.ts';

const BUILD = join(import.meta.dirname, '../build');
let folder: string;
let subject: Subject;

beforeAll(async () => {
  mkdirSync(BUILD, { recursive: true });
  folder = mkdtempSync(join(BUILD, 'program-'));
  subject = await softhsm.open();
  await makeKeys(subject);
});
afterAll(async () => {
  await subject.close();
  rmSync(folder, { recursive: true });
});

const environment = { PATH: process.env.PATH };
const run = (file: string, ...words: string[]): Promise<Finished> =>
  runProgram(process.execPath, [file, ...words], { env: environment });
const lastLine = ({ stdout }: Finished) => stdout.trim().split('\n').at(-1);

function named(id: string): Promised {
  const found = promises.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no promise ${id}`);
  return found;
}

/** The program of a promise that SoftHSM keeps otherwise, and how it fails. */
async function programAtSoftHsm(id: string): Promise<{ program: string; message: string; counterexample: string }> {
  const found = named(id);
  const { failure } = await tryToBreak(found, subject, { runs: 50, seed: 1 });
  if (failure?.replay === undefined) throw new Error(`SoftHSM keeps ${id}`);
  const program = programOf({ promise: found, subject, failure: { ...failure, replay: failure.replay } }, folder);
  return { program, message: failure.message, counterexample: failure.counterexample };
}

describe('a broken promise is printed as a program, which fails in the same way where it is broken', () => {
  test.each([
    { kind: 'calls of PKCS#11', id: 'sign-data-length', last: 'C_Sign: CKR_GENERAL_ERROR 0x5', keeper: 'memory' },
    {
      kind: 'commands to a C program',
      id: 'fork-child-initializes',
      last: /^fork .*: 191 0 0 ended$/,
      keeper: 'module',
    },
  ])('$kind, at SoftHSM and not at $keeper', async ({ id, last, keeper }) => {
    const { program, message } = await programAtSoftHsm(id);
    const file = join(folder, `${id}.ts`);
    writeFileSync(file, program);

    const broken = await run(file);
    expect(broken.status).toBe(1);
    expect(lastLine(broken)).toBe(`BROKEN ${id}: ${message}`);
    expect(broken.stdout).not.toContain('then:');
    expect(broken.stdout.trim().split('\n').at(-2)).toMatch(last);

    const kept = await run(file, keeper);
    expect(kept).toMatchObject({ status: 0, stderr: '' });
    expect(lastLine(kept)).toBe(`${id} holds`);
    expect(kept.stdout).toContain('then:');
  });

  test.each([
    { kind: 'calls of the core in process', mutation: 'exact-buffer-too-small', id: 'sign-length' },
    { kind: 'tags', mutation: 'damage-untold', id: 'tags-damage-is-told' },
    { kind: 'frames', mutation: 'any-flag', id: 'frame-flag' },
  ])('$kind, with a seeded bug and not without', async ({ mutation: name, id }) => {
    const mutation = mutations.find((each) => each.name === name);
    const file = join(folder, `${id}.ts`);
    const words = ['--subject', 'memory', '--promise', id, '--runs', '50', '--seed', '1'];
    const message = await inCopy(mutation, async (copy) => {
      const suite = await runProgram(process.execPath, ['conformance/run.ts', ...words], { cwd: copy });
      const program = join(copy, `build/conformance/${id}-memory.ts`);
      writeFileSync(file, readFileSync(program));
      const broken = await run(program);
      expect(broken.status).toBe(1);
      expect(broken.stdout).not.toContain('then:');
      const said = /^BROKEN \S+ .* at memory: (.*)$/m.exec(suite.stdout)?.[1];
      expect(lastLine(broken)).toBe(`BROKEN ${id}: ${said}`);
      return said;
    });
    expect(message).toBeDefined();

    const kept = await run(file);
    expect(kept).toMatchObject({ status: 0, stderr: '' });
    expect(lastLine(kept)).toBe(`${id} holds`);
    expect(kept.stdout).toContain('then:');
  });
});

test('the input is shrunk to the smallest that breaks the promise', async () => {
  const { counterexample } = await programAtSoftHsm('sign-data-length');
  expect(counterexample).toMatch(/"length":(1|246)\}$/);
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

test('the calls of several applications at several tokens are made again, each with its own handles', async () => {
  const own = await memory.open();
  const first = new Client(own);
  const second = first.beside(1);
  if (second === undefined) throw new Error('the core in process takes more than one application');
  for (const client of [first, second]) {
    await client.ok('initialize', {});
    for (const token of own.tokens) {
      const session = await client.enter(RW, token);
      await client.gives(CKR_USER_ALREADY_LOGGED_IN, 'login', { session, userType: CKU_USER, pin: token.wrongPin });
    }
    await client.end();
  }
  const replay = { runs: 1, seed: 1, path: undefined };
  const failure = { message: 'none', counterexample: '', steps: first.trace, replay };
  const file = join(folder, 'applications.ts');
  const program = programOf({ promise: named('slot-info'), subject: own, failure }, folder);
  writeFileSync(file, program);

  expect(program).toContain('session: openedBy1_2.session, userType: 0x1 /* CKU_USER */, pin: tokens[1].wrongPin }');
  const { stdout, status } = await run(file);
  expect({ status, steps: stdout.trim().split('\n').length }).toEqual({ status: 0, steps: first.trace.length + 1 });
  expect(stdout).not.toContain('then:');
});

test('the PIN is in no program: it is the subject that knows it', async () => {
  for (const id of ['sign-data-length', 'fork-child-initializes']) {
    const { program } = await programAtSoftHsm(id);
    expect(program).toMatch(/CKU_USER \*\/, pin: tokens\[0\]\.pin \}|login \$session 1 \$pin/);
    const masked = Buffer.from(Buffer.from(PIN).map((byte) => byte ^ 0x5a));
    for (const form of [PIN, Buffer.from(PIN).toString('hex'), masked.toString('hex')])
      expect(program).not.toContain(form);
  }
});
