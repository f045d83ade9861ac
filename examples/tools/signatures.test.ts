// Signatures of files, made in the HSM and held against openssl dgst, both ways.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, Offload } from '../../demo/offload.ts';
import { mustRun, runProgram } from '../../demo/process.ts';

const BIN_MHSM_P11 = join(BIN, 'mhsm-p11');

/** More than a frame, a buffer of a stream, or what a signature could hold. */
const DATA = Buffer.alloc(3_000_001, 'what is signed ');

let folder: string;
let offload: Offload;
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-signatures-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
  for (const kind of [
    ['--RSA', '2K'],
    ['--EC', 'P-256'],
    ['--EC', 'P-521'],
    ['--EC', 'P-256K'],
  ]) {
    const label = kind[1] ?? '';
    await offload.createKey(...kind, '--label', label);
    const self = ['self-sign', '--label', label, '--subject', 'CN=x', '--out', file(`${label}.crt`)];
    await mustRun(join(BIN, 'mhsm-p11'), self, { env: offload.toolEnvironment });
    await mustRun('openssl', ['x509', '-in', file(`${label}.crt`), '-noout', '-pubkey', '-out', file(`${label}.pub`)]);
  }
  writeFileSync(file('data'), DATA);
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const tool = (...args: string[]) => runProgram(join(BIN, 'mhsm-p11'), args, { env: offload.toolEnvironment });

const PSS = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest'];

describe.each([
  { label: '2K', digest: 'sha256', options: [], openssl: [] },
  { label: '2K', digest: 'sha512', options: ['--digest', 'sha512'], openssl: [] },
  { label: '2K', digest: 'sha384', options: ['--pss', '--digest', 'sha384'], openssl: PSS },
  { label: 'P-256', digest: 'sha256', options: [], openssl: [] },
  { label: 'P-256', digest: 'sha384', options: ['--digest', 'sha384'], openssl: [] },
  { label: 'P-521', digest: 'sha512', options: [], openssl: [] },
  { label: 'P-256K', digest: 'sha256', options: [], openssl: [] },
])('key $label with $options', ({ label, digest, options, openssl }) => {
  test('openssl dgst and mhsm-p11 verify accept what mhsm-p11 sign makes, and nothing else', async () => {
    const signature = file('signature');
    const signed = await tool('sign', file('data'), '--label', label, ...options, '--out', signature);
    expect(signed).toEqual({ status: 0, stdout: '', stderr: '' });
    const check = ['dgst', `-${digest}`, ...openssl, '-verify', file(`${label}.pub`), '-signature', signature];
    expect((await mustRun('openssl', [...check, file('data')])).stdout).toBe('Verified OK\n');
    const verify = ['verify', '--label', label, ...options, '--signature', signature];
    const good = await tool(...verify, file('data'));
    expect(good).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(/^The signature is good \(key p11-/),
    });
    const bad = await tool(...verify, signature);
    expect(bad).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('the signature is not one of key p11-'),
    });
  });
});

test('standard input is signed, and the signature goes to standard output', async () => {
  const shell = `printf 'in a pipe' | "$0" sign --label P-256 > "$1"; printf 'in a pipe' | "$0" verify - --label P-256 --signature "$1"`;
  const { stdout } = await mustRun('sh', ['-ec', shell, join(BIN, 'mhsm-p11'), file('piped')], {
    env: offload.toolEnvironment,
  });
  expect(stdout).toMatch(/^The signature is good/);
});

describe('a dash is standard input or standard output', () => {
  /** `data` in a pipe into mhsm-p11 with these arguments. */
  const piped = (data: string, args: readonly string[]) =>
    runProgram(
      'sh',
      ['-ec', 'program=$1; input=$2; shift 2; "$program" "$@" < "$input"', 'sh', BIN_MHSM_P11, file(data), ...args],
      {
        env: offload.toolEnvironment,
      },
    );

  test('for what is signed and where the signature goes', async () => {
    const shell = '"$0" sign - --label 2K --out - < "$1" > "$2"';
    await mustRun('sh', ['-ec', shell, BIN_MHSM_P11, file('data'), file('dashed')], { env: offload.toolEnvironment });
    const verified = await tool('verify', file('data'), '--label', '2K', '--signature', file('dashed'));
    expect(verified).toMatchObject({ status: 0, stderr: '' });
  });

  test('for the signature', async () => {
    await tool('sign', file('data'), '--label', '2K', '--out', file('good'));
    const verify = ['verify', file('data'), '--label', '2K', '--signature', '-'];
    expect(await piped('good', verify)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/signature is good/),
    });
    const wrong = await piped('data', verify);
    expect(wrong).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'mhsm-p11: standard input has more than 65536 bytes, which no signature has; hint: name the file with the signature in --signature\n',
    });
  });

  test.each([
    ['named', ['-']],
    ['left out', []],
  ])('but not for both at once, the file %s', async (_how, named) => {
    expect(await piped('data', ['verify', ...named, '--label', '2K', '--signature', '-'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'mhsm-p11: both the file and its signature would be standard input; hint: name a file for one of them\n',
    });
  });

  test.each(['csr', 'self-sign'])('for the PEM of %s', async (command) => {
    const { status, stdout } = await tool(command, '--label', '2K', '--subject', 'CN=x', '--out', '-');
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^-----BEGIN CERTIFICATE/) });
  });
});

test.each(['sign', 'verify'])('%s refuses --raw with an RSA key, and says what it is for', async (command) => {
  await tool('sign', file('data'), '--label', '2K', '--out', file('good'));
  const { status, stdout, stderr } = await tool(
    ...[command, file('data'), '--label', '2K', '--raw'],
    ...(command === 'sign' ? ['--out', file('refused')] : ['--signature', file('good')]),
  );
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(
      /^mhsm-p11: key p11-\w+ is an RSA key; hint: leave --raw out: it is for EC signatures/,
    ),
  });
  expect(existsSync(file('refused'))).toBe(false);
});

test('an EC signature comes as r and s side by side when --raw asks for it', async () => {
  await tool('sign', file('data'), '--label', 'P-521', '--raw', '--out', file('raw'));
  expect(readFileSync(file('raw'))).toHaveLength(132);
  expect((await tool('verify', file('data'), '--label', 'P-521', '--raw', '--signature', file('raw'))).status).toBe(0);
  const der = await tool('verify', file('data'), '--label', 'P-521', '--signature', file('raw'));
  expect(der).toMatchObject({ status: 1, stderr: expect.stringContaining('and, for EC, --raw') });
});

test('a file that is not there is told from a wrong signature', async () => {
  const { status, stderr } = await tool('sign', file('nowhere'), '--label', '2K', '--out', file('x'));
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `mhsm-p11: cannot read ${file('nowhere')}: ENOENT; hint: name a file that exists and that this user may read\n`,
  });
  expect((await tool('verify', file('data'), '--label', '2K')).status).toBe(2);
});
