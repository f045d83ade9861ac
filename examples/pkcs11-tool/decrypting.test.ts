import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MODULE } from '../../demo/nginx.ts';
import { Offload } from '../../demo/offload.ts';
import { mustRun } from '../../demo/process.ts';

let folder: string;
let offload: Offload;

/** pkcs11-tool as the key generation principal, who may do everything with keys below `/keys`. */
async function pkcs11Tool(...args: string[]): Promise<string> {
  const { clientId, clientSecret } = offload.mock.keyGeneration;
  const env = {
    PATH: process.env.PATH,
    MHSM_PKCS11_CONF: offload.configurationFile,
    PIN: `${clientId}:${clientSecret}`,
  };
  const login = ['--login', '--pin', 'env:PIN'];
  return (await mustRun('pkcs11-tool', ['--module', MODULE, ...login, ...args], { env })).stdout;
}

const file = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-pkcs11-tool-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
  await pkcs11Tool('--keypairgen', '--key-type', 'rsa:2048', '--usage-decrypt', '--label', 'box', '--id', '0a0b');
  await pkcs11Tool('--read-object', '--type', 'pubkey', '--label', 'box', '--output-file', file('box.der'));
  writeFileSync(file('plain'), 'for the HSM alone');
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ['RSA-PKCS', [], ['-pkeyopt', 'rsa_padding_mode:pkcs1']],
  ['RSA-PKCS-OAEP', ['--hash-algorithm', 'SHA-1'], ['-pkeyopt', 'rsa_padding_mode:oaep']],
  [
    'RSA-PKCS-OAEP',
    ['--hash-algorithm', 'SHA256', '--mgf', 'MGF1-SHA256'],
    ['-pkeyopt', 'rsa_padding_mode:oaep', '-pkeyopt', 'rsa_oaep_md:sha256', '-pkeyopt', 'rsa_mgf1_md:sha256'],
  ],
])('%s %j decrypts what OpenSSL encrypts to the public key', async (mechanism, parameters, padding) => {
  const key = ['-pubin', '-inkey', file('box.der'), '-keyform', 'DER'];
  const files = ['-in', file('plain'), '-out', file('encrypted')];
  await mustRun('openssl', ['pkeyutl', '-encrypt', ...key, ...files, ...padding]);
  const inOut = ['--input-file', file('encrypted'), '--output-file', file('decrypted')];
  await pkcs11Tool('--decrypt', '--label', 'box', '--id', '0a0b', '--mechanism', mechanism, ...parameters, ...inOut);
  expect(readFileSync(file('decrypted'), 'utf8')).toBe('for the HSM alone');
});
