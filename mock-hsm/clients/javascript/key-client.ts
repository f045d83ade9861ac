// Every operation of KeyClient, run by `node --test` with the pool's address and a credential in the environment.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import type { JsonWebKey, KeyVaultKey } from '@azure/keyvault-keys';
import { client, collected } from './connection.ts';

const day = 86_400_000;

describe('create', () => {
  for (const keySize of [2048, 3072, 4096]) {
    test(`an RSA key of ${keySize} bits`, async () => {
      const { key, keyType, keyOperations } = await client.createRsaKey(`rsa-${keySize}`, { keySize, hsm: true });
      assert.equal(keyType, 'RSA-HSM');
      assert.equal(key?.n?.length, keySize / 8);
      assert.deepEqual(keyOperations?.toSorted(), ['decrypt', 'encrypt', 'sign', 'unwrapKey', 'verify', 'wrapKey']);
    });
  }

  for (const [curve, bytes] of [
    ['P-256', 32],
    ['P-256K', 32],
    ['P-384', 48],
    ['P-521', 66],
  ] as const) {
    test(`an EC key on ${curve}`, async () => {
      const { key, keyType } = await client.createEcKey(`ec-${curve}`, { curve, hsm: true });
      assert.equal(keyType, 'EC-HSM');
      assert.equal(key?.crv, curve);
      assert.deepEqual([key?.x?.length, key?.y?.length], [bytes, bytes]);
    });
  }

  for (const keySize of [128, 192, 256]) {
    test(`an AES key of ${keySize} bits, which shows nothing of itself`, async () => {
      const { key, keyType } = await client.createOctKey(`oct-${keySize}`, { keySize, hsm: true });
      assert.equal(keyType, 'oct-HSM');
      assert.equal(key?.k, undefined);
    });
  }

  test('a key by its type alone, with everything that can be said of it', async () => {
    const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
    const expiresOn = new Date(notBefore.getTime() + day);
    const options = { enabled: false, notBefore, expiresOn, tags: { a: 'b' }, keyOps: ['sign', 'verify'] };
    const { properties, keyOperations, id } = await client.createKey('described', 'RSA', options);
    assert.equal(id, `${client.vaultUrl}/keys/described/${properties.version}`);
    assert.deepEqual(keyOperations, ['sign', 'verify']);
    const { enabled, tags, recoverableDays, recoveryLevel, exportable, createdOn } = properties;
    assert.deepEqual({ enabled, tags }, { enabled: false, tags: { a: 'b' } });
    assert.deepEqual([properties.notBefore, properties.expiresOn], [notBefore, expiresOn]);
    assert.deepEqual([recoverableDays, recoveryLevel, exportable], [90, 'Recoverable+Purgeable', false]);
    assert.ok(createdOn instanceof Date);
  });
});

describe('import', () => {
  test('an RSA key', async () => {
    const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
    const { key, keyType } = await client.importKey('imported-rsa', bytesOf(jwk, 'RSA-HSM'), {
      tags: { from: 'test' },
    });
    assert.equal(keyType, 'RSA-HSM');
    assert.equal(Buffer.from(key?.n ?? []).toString('base64url'), jwk.n);
    assert.equal(key?.d, undefined);
  });

  test('an EC key', async () => {
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' });
    const { key } = await client.importKey('imported-ec', bytesOf(jwk, 'EC-HSM'), { hardwareProtected: true });
    assert.equal(Buffer.from(key?.x ?? []).toString('base64url'), jwk.x);
  });

  test('an AES key', async () => {
    const { keyType } = await client.importKey('imported-oct', { kty: 'oct-HSM', k: randomBytes(32) });
    assert.equal(keyType, 'oct-HSM');
  });
});

test('get gives the newest version, or the one named', async () => {
  const first = await client.createEcKey('versions', { curve: 'P-256' });
  const second = await client.createEcKey('versions', { curve: 'P-256' });
  assert.equal((await client.getKey('versions')).properties.version, second.properties.version);
  const { version } = first.properties;
  assert.equal((await client.getKey('versions', versioned(version))).properties.version, version);
  const listed = await collected(client.listPropertiesOfKeyVersions('versions'));
  assert.deepEqual(listed.map((each) => each.version).toSorted(), [version, second.properties.version].toSorted());
});

test('update changes what is named and leaves the rest', async () => {
  const { properties } = await client.createEcKey('updated', { curve: 'P-256', tags: { a: 'b' } });
  const changed = await client.updateKeyProperties('updated', { enabled: false });
  assert.deepEqual([changed.properties.enabled, changed.properties.tags], [false, { a: 'b' }]);
  const again = await client.updateKeyProperties('updated', properties.version ?? '', { keyOps: ['sign'], tags: {} });
  assert.deepEqual([again.keyOperations, again.properties.enabled], [['sign'], false]);
});

test('a list comes in pages whose links lead to the next', async () => {
  for (let index = 0; index < 5; index++) await client.createOctKey(`page-${index}`, { keySize: 128, hsm: true });
  const sizes: number[] = [];
  const names = new Set<string>();
  for await (const page of client.listPropertiesOfKeys().byPage({ maxPageSize: 2 })) {
    sizes.push(page.length);
    for (const { name } of page) names.add(name);
  }
  assert.ok(sizes.length >= 3 && sizes.every((size) => size <= 2), `page sizes ${sizes}`);
  for (let index = 0; index < 5; index++) assert.ok(names.has(`page-${index}`));
  const whole = await collected(client.listPropertiesOfKeys());
  assert.deepEqual(new Set(whole.map(({ name }) => name)), names);
});

test('a key goes by delete, comes back by recover, and is gone after purge', async () => {
  await client.createEcKey('short-lived', { curve: 'P-256' });
  const deleted = await (await client.beginDeleteKey('short-lived')).pollUntilDone();
  assert.equal(deleted.properties.recoveryId, `${client.vaultUrl}/deletedkeys/short-lived`);
  assert.equal((await client.getDeletedKey('short-lived')).name, 'short-lived');
  const listed = await collected(client.listDeletedKeys());
  assert.ok(listed.some(({ name }) => name === 'short-lived'));
  await assert.rejects(client.getKey('short-lived'), { statusCode: 404, code: 'KeyNotFound' });
  await assert.rejects(client.createEcKey('short-lived'), { statusCode: 409 });

  const recovered = await (await client.beginRecoverDeletedKey('short-lived')).pollUntilDone();
  assert.equal(recovered.name, 'short-lived');
  await (await client.beginDeleteKey('short-lived')).pollUntilDone();
  await client.purgeDeletedKey('short-lived');
  await assert.rejects(client.getDeletedKey('short-lived'), { statusCode: 404 });
});

test('a backup restores all versions of a key that is gone', async () => {
  const versions = [await client.createEcKey('kept'), await client.createEcKey('kept')].map(versionOf);
  const backup = await client.backupKey('kept');
  assert.ok(backup);
  await assert.rejects(client.restoreKeyBackup(backup), { statusCode: 409 });
  await (await client.beginDeleteKey('kept')).pollUntilDone();
  await client.purgeDeletedKey('kept');
  assert.equal((await client.restoreKeyBackup(backup)).name, 'kept');
  const listed = await collected(client.listPropertiesOfKeyVersions('kept'));
  assert.deepEqual(listed.map(({ version }) => version).toSorted(), versions.toSorted());
});

test('rotate makes a new version of the same kind', async () => {
  const before = await client.createRsaKey('rotated', { keySize: 3072, tags: { a: 'b' } });
  const after = await client.rotateKey('rotated');
  assert.notEqual(versionOf(after), versionOf(before));
  assert.equal(after.key?.n?.length, 384);
  assert.deepEqual(after.properties.tags, { a: 'b' });
});

test('a rotation policy is kept', async () => {
  await client.createEcKey('with-policy');
  const policy = {
    expiresIn: 'P90D',
    lifetimeActions: [{ action: 'Rotate', timeBeforeExpiry: 'P30D' }],
  } as const;
  const set = await client.updateKeyRotationPolicy('with-policy', {
    ...policy,
    lifetimeActions: [...policy.lifetimeActions],
  });
  const got = await client.getKeyRotationPolicy('with-policy');
  assert.deepEqual([got.expiresIn, got.lifetimeActions?.[0]?.timeBeforeExpiry], ['P90D', 'P30D']);
  assert.ok(got.createdOn instanceof Date && set.id?.endsWith('/keys/with-policy/rotationpolicy'));
});

test('an attestation comes with the key', async () => {
  await client.createEcKey('attested');
  const { properties } = await client.getKeyAttestation('attested');
  const { certificatePemFile, privateKeyAttestation, publicKeyAttestation } = properties.attestation ?? {};
  assert.match(Buffer.from(certificatePemFile ?? []).toString(), /^-----BEGIN CERTIFICATE-----/);
  assert.ok(privateKeyAttestation?.length && publicKeyAttestation?.length);
});

test('a key is released to an environment that its policy lets have it, and no other key is', async () => {
  const authority = 'https://attest.example';
  const rule = { claim: 'sdk-test', equals: true };
  const encodedPolicy = Buffer.from(JSON.stringify({ anyOf: [{ authority, allOf: [rule] }], version: '1.0.0' }));
  await client.createRsaKey('released', { hsm: true, exportable: true, releasePolicy: { encodedPolicy } });
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const environment = { ...publicKey.export({ format: 'jwk' }), kid: 'enclave', key_ops: ['encrypt'] };
  const claims = { 'sdk-test': true, 'x-ms-runtime': { keys: [environment] } };
  // Stands for the attestation service, which the mock is, too.
  const attestation = await fetch(`${client.vaultUrl}/mock/attestation`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ issuer: authority, claims }),
  });
  assert.equal(attestation.status, 200);
  const { token } = (await attestation.json()) as { token: string };
  const { value } = await client.releaseKey('released', token, { algorithm: 'RSA_AES_KEY_WRAP_256' });
  assert.equal(value?.split('.').length, 3);
  await client.createRsaKey('stays', { keySize: 2048 });
  await assert.rejects(client.releaseKey('stays', token), { statusCode: 400 });
});

test('random bytes are as many as asked for', async () => {
  const [one, other] = [await client.getRandomBytes(32), await client.getRandomBytes(32)];
  assert.equal(one.length, 32);
  assert.notDeepEqual(one, other);
  await assert.rejects(client.getRandomBytes(129), { statusCode: 400 });
});

test('a refusal reaches the caller with status, code and the words of the service', async () => {
  await assert.rejects(client.getKey('nowhere'), { statusCode: 404, code: 'KeyNotFound', message: /nowhere/ });
  await assert.rejects(client.createRsaKey('odd', { keySize: 1024 }), { statusCode: 400, code: 'BadParameter' });
});

function bytesOf(jwk: object, kty: string): JsonWebKey {
  const parts = Object.entries(jwk).filter(([name]) => !['kty', 'crv'].includes(name));
  const decoded = parts.map(([name, value]) => [name, Buffer.from(String(value), 'base64url')]);
  return { ...Object.fromEntries(decoded), kty, ...('crv' in jwk ? { crv: String(jwk.crv) } : {}) };
}

const versionOf = ({ properties }: KeyVaultKey) => properties.version;

const versioned = (version: string | undefined) => (version === undefined ? {} : { version });
