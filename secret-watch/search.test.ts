import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SEARCHED_FOLDER, SECRETS_FILE } from './evidence.ts';
import { searchEvidence } from './search.ts';

const SECRET = 'client-1:p w/"~rd';
const inHex = (text: string) => Buffer.from(text).toString('hex');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-search-'));
  mkdirSync(join(folder, SEARCHED_FOLDER));
  writeFileSync(join(folder, SECRETS_FILE), `${JSON.stringify({ whose: 'a test', secret: SECRET })}\n`);
});
afterEach(() => rmSync(folder, { recursive: true }));

function leaksOf(text: string, file = 'output'): object {
  writeFileSync(join(folder, SEARCHED_FOLDER, file), text);
  return searchEvidence(folder).leaks;
}

describe('a secret is found', () => {
  test.each([
    ['as it is', SECRET],
    ['in JSON', JSON.stringify({ msg: SECRET })],
    ['percent-encoded', encodeURIComponent(SECRET)],
    ['in a form', new URLSearchParams({ client_secret: SECRET }).toString()],
    ['in hexadecimal', inHex(SECRET)],
    ['in base64', Buffer.from(SECRET).toString('base64')],
  ])('%s, with its file and line', (_spelling, text) => {
    expect(leaksOf(`first\n${text}\n`)).toEqual([{ file: `${SEARCHED_FOLDER}/output`, line: 2, whose: 'a test' }]);
  });

  test('in a dump that breaks it over two lines', () => {
    const [, first = '', second = ''] = /^(.{32})(.*)$/.exec(inHex(`{"pin":${SECRET}}`)) ?? [];
    const spaced = (hex: string) => hex.replaceAll(/../g, '$& ');
    expect(leaksOf(`0000  ${spaced(first)} ...\n0010  ${spaced(second)} ...\n`)).toMatchObject([
      { whose: 'a test, in a dump' },
    ]);
  });
});

test('a token in a log of the library is found, whoever used it', () => {
  const token = `${'eyJhbGciOiJSUzI1NiJ9'}.${'eyJvaWQiOiJ4In0abc'}.${'c2lnbmF0dXJl'}`;
  expect(leaksOf(token, 'MHSM-PKCS11-1-20260101-000000.log')).toMatchObject([{ whose: 'a token' }]);
  expect(leaksOf(token, 'output-of-az')).toMatchObject([{ file: expect.stringContaining('MHSM-PKCS11-') }]);
});

test('a text without it is none', () => {
  expect(leaksOf('client-1 logged in')).toEqual([]);
});

describe('a run whose tests all pass', () => {
  const run = (pin: string) =>
    new Promise<{ status: number; output: string }>((resolve) => {
      const config = join(import.meta.dirname, 'leaking-suite/vitest.config.ts');
      const vitest = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');
      const env = { PATH: process.env.PATH, MHSM_LEAKED_PIN: pin };
      const child = execFile(process.execPath, [vitest, 'run', '--config', config], { env }, (_error, out, err) =>
        resolve({ status: child.exitCode ?? -1, output: out + err }),
      );
    });

  test('fails when a program of it printed a secret', async () => {
    const { status, output } = await run('client-1:a leaked PIN');
    expect(output).toMatch(/^secret of the leaking test in searched\/output-of-printf-\d+:1$/m);
    expect(output).toMatch(/^1 passed, 1 failed$/m);
    expect(output).not.toContain('a leaked PIN');
    expect(status).toBe(1);
  });

  test('passes when none did', async () => {
    const { status, output } = await run('client-1');
    expect(output).toMatch(/^1 secrets, 0 found in \d+ logs and outputs$/m);
    expect(output).toMatch(/^1 passed, 0 failed$/m);
    expect(status).toBe(0);
  });
});
