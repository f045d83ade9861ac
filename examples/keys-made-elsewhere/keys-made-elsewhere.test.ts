/** Keys made over REST as az makes them, without any tag, signed with by pkcs11-tool. */

import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Workbench } from '../../demo/workbench.ts';

let bench: Workbench;

const pkcs11Tool = (...args: string[]): Promise<string> => bench.run(bench.example('pkcs11-tool/pkcs11-tool.sh'), args);

async function createOverRest(name: string, key: object): Promise<void> {
  const { mock } = bench.offload;
  const { clientId, clientSecret } = mock.keyGeneration;
  const headers = {
    authorization: `Bearer ${await mock.token(clientId, clientSecret)}`,
    'content-type': 'application/json',
  };
  const dispatcher = new Agent({ connect: { ca: readFileSync(mock.caFile, 'utf8') } });
  const url = `${mock.url}/keys/${name}/create?api-version=7.4`;
  const { statusCode, body } = await request(url, { method: 'POST', headers, body: JSON.stringify(key), dispatcher });
  await body.dump();
  await dispatcher.close();
  expect(statusCode).toBe(200);
}

async function idOf(label: string): Promise<string> {
  const objects = await pkcs11Tool('-O', '--type', 'privkey');
  return new RegExp(`label: +${label}\\n +ID: +([0-9a-f]+)`).exec(objects)?.[1] ?? '';
}

const P521_POINT_BYTES = 133;

function keyIdentifier(spki: Buffer): string {
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const rsa = key.asymmetricKeyType === 'rsa';
  const bits = rsa ? key.export({ format: 'der', type: 'pkcs1' }) : spki.subarray(-P521_POINT_BYTES);
  return createHash('sha1').update(bits).digest('hex');
}

beforeAll(async () => {
  bench = await Workbench.start('keys-made-elsewhere');
  await createOverRest('az-rsa', { kty: 'RSA-HSM', key_size: 2048 });
  await createOverRest('az-ec', { kty: 'EC-HSM', crv: 'P-521' });
  await createOverRest('az-oct', { kty: 'oct-HSM', key_size: 256 });
  bench.write('message', 'signed with a key of az');
});

afterAll(() => bench?.stop());

test.each([
  ['az-rsa', 'SHA256-RSA-PKCS', []],
  ['az-ec', 'ECDSA-SHA512', ['--signature-format', 'openssl']],
])('%s signs by its name as label, and openssl agrees', async (label, mechanism, format) => {
  const [message, signature, key] = ['message', `${label}.sig`, `${label}.der`].map((name) => bench.file(name));
  const id = await idOf(label);
  await pkcs11Tool('--sign', '--id', id, '-m', mechanism, '-i', message ?? '', '-o', signature ?? '', ...format);
  await pkcs11Tool('--read-object', '--type', 'pubkey', '--label', label, '--output-file', key ?? '');
  // The documented digest: SHA-1 of the bits of the public key, which openssl calls the subject key identifier.
  expect(id).toBe(keyIdentifier(readFileSync(key ?? '')));
  const hash = mechanism.includes('512') ? '-sha512' : '-sha256';
  const verify = ['dgst', hash, '-verify', key ?? '', '-keyform', 'DER', '-signature', signature ?? '', message ?? ''];
  expect(await bench.run('openssl', verify)).toContain('Verified OK');
});

test('a symmetric key is left out', async () => {
  const objects = await pkcs11Tool('-O');
  expect(objects).toContain('az-rsa');
  expect(objects).not.toContain('az-oct');
});
