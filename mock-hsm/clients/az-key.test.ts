import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Az, type Listed, type Printed } from './az.ts';
import { Stage } from './stage.ts';

// Foreign programs start slowly on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let stage: Stage;
let az: Az;

beforeAll(async () => {
  stage = await Stage.open(443);
  az = new Az(stage, 'client');
  await az.login('MHSM');
});

afterAll(() => stage.close());

const key = <P = Printed>(command: string, ...args: readonly string[]) =>
  az.run<P>('keyvault', 'key', command, '--hsm-name', 'mypool', ...args);

const rotationPolicy = (command: string, ...args: readonly string[]) =>
  az.run('keyvault', 'key', 'rotation-policy', command, '--hsm-name', 'mypool', ...args);

const create = (name: string, ...args: readonly string[]) => key('create', '--name', name, ...args);

test('az keyvault key create, show, list, list-versions, set-attributes', async () => {
  const made = await create('made', '--kty', 'RSA-HSM', '--size', '2048', '--ops', 'sign', 'verify', '--tags', 'a=b');
  expect(made).toMatchObject({ key: { kty: 'RSA-HSM', keyOps: ['sign', 'verify'] }, tags: { a: 'b' } });
  await create('made', '--kty', 'EC-HSM', '--curve', 'P-256K');
  const second = await key('show', '--name', 'made');
  expect(second.key).toMatchObject({ kty: 'EC-HSM', crv: 'P-256K' });
  expect((await az.run('keyvault', 'key', 'show', '--id', made.key.kid)).key.kid).toBe(made.key.kid);
  const versions = await key<Listed[]>('list-versions', '--name', 'made');
  expect(versions.map(({ kid }) => kid).sort()).toEqual([made.key.kid, second.key.kid].sort());
  await create('oct', '--kty', 'oct-HSM', '--size', '256', '--disabled');
  const names = (await key<Listed[]>('list')).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['made', 'oct']));
  expect(await key('list', '--maxresults', '1')).toHaveLength(1);
  const changed = await key('set-attributes', '--name', 'oct', '--enabled', 'true', '--tags', 'c=d');
  expect(changed).toMatchObject({ attributes: { enabled: true }, tags: { c: 'd' } });
});

test('az keyvault key sign, verify, download', async () => {
  await create('signer', '--kty', 'EC-HSM', '--curve', 'P-256');
  const digest = createHash('sha256').update('hello').digest('base64');
  const { signature } = await key('sign', '--name', 'signer', '--algorithm', 'ES256', '--digest', digest);
  const question = ['--name', 'signer', '--algorithm', 'ES256', '--digest', digest, '--signature'];
  expect(await key('verify', ...question, signature)).toMatchObject({ isValid: true });
  expect(await key('verify', ...question, Buffer.alloc(64, 1).toString('base64'))).toMatchObject({ isValid: false });
  const file = join(stage.folder, 'signer.pem');
  await key('download', '--name', 'signer', '--file', file, '--encoding', 'PEM');
  const publicKey = createPublicKey(readFileSync(file));
  const format = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  expect(verify('sha256', Buffer.from('hello'), format, Buffer.from(signature, 'base64'))).toBe(true);
});

test('az keyvault key encrypt, decrypt', async () => {
  await create('cipher', '--kty', 'oct-HSM', '--size', '256');
  const gcm = ['--name', 'cipher', '--algorithm', 'A256GCM', '--data-type', 'plaintext'];
  const sealed = await key('encrypt', ...gcm, '--value', 'hello', '--aad', '1011');
  const parts = ['--iv', sealed.iv, '--tag', sealed.tag, '--aad', '1011'];
  expect(await key('decrypt', ...gcm, '--value', sealed.result, ...parts)).toMatchObject({ result: 'hello' });
  await create('rsa-cipher', '--kty', 'RSA-HSM', '--size', '2048');
  const rsa = ['--name', 'rsa-cipher', '--algorithm', 'RSA-OAEP-256', '--data-type', 'plaintext'];
  const { result } = await key('encrypt', ...rsa, '--value', 'hello');
  expect(await key('decrypt', ...rsa, '--value', result)).toMatchObject({ result: 'hello' });
});

test('az keyvault key delete, list-deleted, show-deleted, recover, purge, backup, restore', async () => {
  const { kid } = (await create('gone', '--kty', 'EC-HSM', '--curve', 'P-256')).key;
  const backup = join(stage.folder, 'gone.backup');
  await key('backup', '--name', 'gone', '--file', backup);
  expect(await key('delete', '--name', 'gone')).toMatchObject({ key: { kid } });
  expect(await key('list-deleted')).toMatchObject([{ name: 'gone' }]);
  const { recoveryId } = await key('show-deleted', '--name', 'gone');
  expect(recoveryId).toBe('https://mypool.managedhsm.azure.net/deletedkeys/gone');
  expect(await key('recover', '--name', 'gone')).toMatchObject({ key: { kid } });
  await key('delete', '--name', 'gone');
  await key('purge', '--name', 'gone');
  expect(await key('list-deleted')).toEqual([]);
  expect(await key('restore', '--file', backup)).toMatchObject({ key: { kid } });
});

test('az keyvault key rotate, rotation-policy update and show', async () => {
  const before = await create('rotated', '--kty', 'EC-HSM', '--curve', 'P-384');
  const trigger = { timeBeforeExpiry: 'P30D' };
  const policy = { lifetimeActions: [{ trigger, action: { type: 'Rotate' } }], attributes: { expiryTime: 'P90D' } };
  await rotationPolicy('update', '--name', 'rotated', '--value', JSON.stringify(policy));
  expect(await rotationPolicy('show', '--name', 'rotated')).toMatchObject({
    expiresIn: 'P90D',
    // A pool answers the type in lower case.
    lifetimeActions: [{ action: 'rotate', timeBeforeExpiry: 'P30D' }],
  });
  const after = await key('rotate', '--name', 'rotated');
  expect(after.key.kid).not.toBe(before.key.kid);
  expect(after.attributes.expires).toEqual(expect.any(String));
});

test.each([
  ['rsa', 'RSA-HSM', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['ec', 'EC-HSM', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
] as const)('az keyvault key import of a PEM file: %s', async (name, kty, generate) => {
  const file = join(stage.folder, `${name}.key`);
  writeFileSync(file, generate().privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect(await key('import', '--name', `imported-${name}`, '--pem-file', file)).toMatchObject({ key: { kty } });
});

test('az keyvault key random, get-policy-template', async () => {
  const { value } = await key('random', '--count', '32');
  expect(Buffer.from(value, 'base64')).toHaveLength(32);
  expect(await az.run('keyvault', 'key', 'get-policy-template')).toHaveProperty('anyOf');
});

test('az keyvault key get-attestation', async () => {
  await create('attested', '--kty', 'EC-HSM', '--curve', 'P-256');
  expect(await key('get-attestation', '--name', 'attested')).toMatchObject({
    certificatePemFile: expect.any(String),
    privateKeyAttestation: expect.any(String),
  });
});

test('a refusal reaches the user in the words of the service', async () => {
  await expect(key('show', '--name', 'nowhere')).rejects.toThrow(/\(KeyNotFound\).*nowhere/);
  const scope = ['--scope', '/', '--assignee-object-id', stage.variable('MHSM_CLIENT_OBJECT_ID')];
  const assign = az.run('keyvault', 'role', 'assignment', 'create', '--hsm-name', 'mypool', '--role', 'x', ...scope);
  await expect(assign).rejects.toThrow(/Unknown role/);
});
