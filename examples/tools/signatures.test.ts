// Signatures of files, made in the HSM and held against openssl dgst, both ways.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, Offload } from '../../demo/offload.ts';
import { mustRun, runProgram } from '../../demo/process.ts';

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
