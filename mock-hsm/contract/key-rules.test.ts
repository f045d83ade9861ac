// What may be asked for when a key is made, imported or changed, and what is refused.
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wrapForTransfer } from '../keyvault/key-transfer.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;

beforeAll(async () => {
  pool = await PoolConnection.open();
  await pool.assign(role.cryptoUser, '/');
  await pool.assign(role.cryptoOfficer, '/');
});

afterAll(() => pool.close());

const create = (name: string, body: object, version = '7.4') =>
  pool.call('POST', `/keys/${name}/create?api-version=${version}`, { body });

const importKey = (name: string, body: object) => pool.call('PUT', `/keys/${name}`, { body });

const update = (name: string, body: object) => pool.call('PATCH', `/keys/${name}`, { body });

const badParameter = { status: 400, body: { error: { code: 'BadParameter' } } };

const policy = (claim = 'tee', immutable = false) => ({
  data: Buffer.from(
    JSON.stringify({
      anyOf: [{ allOf: [{ claim, equals: 'x' }], authority: 'https://attest.test' }],
      version: '1.0.0',
    }),
  ).toString('base64url'),
  immutable,
});

describe('create', () => {
  test.each<[string, object]>([
    ['a size that is not of the curve', { kty: 'EC-HSM', crv: 'P-256', key_size: 384 }],
    ['a curve for RSA', { kty: 'RSA-HSM', crv: 'P-256' }],
    ['a curve for a symmetric key', { kty: 'oct-HSM', crv: 'P-256' }],
    ['a public exponent for EC', { kty: 'EC-HSM', public_exponent: 65_537 }],
    ['an even public exponent', { kty: 'RSA-HSM', public_exponent: 4 }],
    ['encrypt for EC', { kty: 'EC-HSM', key_ops: ['encrypt'] }],
    ['import for EC', { kty: 'EC-HSM', key_ops: ['import'] }],
    ['import together with another operation', { kty: 'RSA-HSM', key_ops: ['import', 'sign'] }],
    ['export for what is not exportable', { kty: 'RSA-HSM', key_ops: ['sign', 'export'] }],
    ['an exp before nbf', { kty: 'EC-HSM', attributes: { nbf: 2_000_000_000, exp: 1_900_000_000 } }],
    ['an exp beyond what a date can hold', { kty: 'EC-HSM', attributes: { exp: Number.MAX_SAFE_INTEGER } }],
    ['an nbf beyond what a date can hold', { kty: 'EC-HSM', attributes: { nbf: Number.MAX_SAFE_INTEGER } }],
    ['a policy without exportable', { kty: 'EC-HSM', release_policy: policy() }],
    [
      'exportable with a malformed policy',
      { kty: 'EC-HSM', attributes: { exportable: true }, release_policy: { data: 'e30' } },
    ],
    [
      'a policy that is not base64url',
      { kty: 'EC-HSM', attributes: { exportable: true }, release_policy: { data: '{}' } },
    ],
    ['tags that are no text', { kty: 'EC-HSM', tags: { a: 1 } }],
    ['tags in a list', { kty: 'EC-HSM', tags: ['a'] }],
    ['a tag name of 257 characters', { kty: 'EC-HSM', tags: { ['n'.repeat(257)]: '' } }],
    ['a size in a string', { kty: 'RSA-HSM', key_size: '2048' }],
    ['a body that is a list', []],
  ])('%s is BadParameter', async (_what, body) => {
    expect(await create('refused', body)).toMatchObject(badParameter);
    expect(await pool.call('GET', '/keys/refused')).toMatchObject({ status: 404 });
  });

  test('a key size alone chooses the curve', async () => {
    expect((await create('sized', { kty: 'EC-HSM', key_size: 521 })).body.key).toMatchObject({ crv: 'P-521' });
  });

  // In a real pool the connection puts a prefix before names.
  test('names have up to 127 characters', { tags: ['own-pool'] }, async () => {
    expect(await create('n'.repeat(127), { kty: 'EC-HSM' })).toMatchObject({ status: 200 });
    expect(await create('n'.repeat(128), { kty: 'EC-HSM' })).toMatchObject({ status: 400 });
  });

  test('an operation given twice counts once', async () => {
    const { key } = (await create('doubled', { kty: 'EC-HSM', key_ops: ['sign', 'sign'] })).body;
    expect(key.key_ops).toEqual(['sign']);
  });

  test('an exponent of 3 is used', async () => {
    expect((await create('cubed', { kty: 'RSA-HSM', public_exponent: 3 })).body.key.e).toBe('Aw');
  });

  test('the size of a symmetric key is told to newer api-versions, and a platform to none', async () => {
    const attributes = async (kty: string, version: string) =>
      (await create('shown', { kty }, version)).body.attributes;
    expect(await attributes('oct-HSM', '2026-03-01-preview')).toMatchObject({ key_size: 256 });
    for (const shown of [await attributes('oct-HSM', '2025-07-01'), await attributes('EC-HSM', '2026-03-01-preview')]) {
      expect(shown).not.toHaveProperty('key_size');
      expect(shown).not.toHaveProperty('hsmPlatform');
    }
  });

  test('a refusal comes before a deleted name’s conflict, and a conflict before the rest', async () => {
    await create('taken', { kty: 'EC-HSM' });
    await pool.call('DELETE', '/keys/taken');
    expect(await create('taken', { kty: 'none' })).toMatchObject(badParameter);
    expect(await create('taken', { kty: 'EC-HSM', key_ops: ['encrypt'] })).toMatchObject({ status: 409 });
  });
});

describe('a release policy', () => {
  const exportable = (release_policy?: object) => ({
    kty: 'RSA-HSM',
    attributes: { exportable: true },
    ...(release_policy && { release_policy }),
  });

  test('is answered without blanks and padding, its members by name', async () => {
    const rule = { authority: 'https://attest.test', allOf: [{ claim: 'tee', equals: 'x' }] };
    const data = Buffer.from(JSON.stringify({ version: '1.0.0', anyOf: [rule] }, undefined, 2)).toString('base64');
    const sent = data.replaceAll('+', '-').replaceAll('/', '_');
    const made = (await create('spaced', exportable({ data: sent }))).body;
    expect(made.release_policy.data).toMatch(/^[\w-]+$/);
    expect(Buffer.from(made.release_policy.data, 'base64url').toString()).toBe(
      '{"anyOf":[{"allOf":[{"claim":"tee","equals":"x"}],"authority":"https://attest.test"}],"version":"1.0.0"}',
    );
  });

  test('and what is exportable go together, in the words of pools', async () => {
    const messageOf = async (body: object) => (await create('worded', body)).body.error.message;
    expect(await messageOf(exportable())).toMatch(/^Exportable keys must have release policy \(/);
    const body = { kty: 'RSA-HSM', release_policy: policy() };
    expect(await messageOf(body)).toMatch(/^Non-exportable keys must not have release policy \(/);
  });

  test('is answered with its defaults, and can be replaced', async () => {
    const made = (await create('leaving', exportable({ data: policy().data }))).body;
    expect(made.attributes.exportable).toBe(true);
    expect(made.release_policy).toEqual({
      contentType: 'application/json; charset=utf-8',
      data: policy().data,
      immutable: false,
    });
    const changed = (await update('leaving', { release_policy: policy('other') })).body;
    expect(changed.release_policy.data).toBe(policy('other').data);
  });

  test('that is immutable stays as it is', async () => {
    await create('fixed', exportable(policy('a', true)));
    expect(await update('fixed', { release_policy: policy('b') })).toMatchObject(badParameter);
    const { release_policy } = (await update('fixed', { release_policy: policy('a'), tags: { t: '1' } })).body;
    expect(release_policy).toMatchObject({ data: policy('a').data, immutable: true });
  });

  test('is needed for the first version; the next ones take it over', async () => {
    expect(await create('first', exportable())).toMatchObject(badParameter);
    await create('first', exportable(policy()));
    expect((await create('first', exportable())).body.release_policy.data).toBe(policy().data);
    expect((await pool.call('POST', '/keys/first/rotate')).body).toMatchObject({
      attributes: { exportable: true },
      release_policy: { data: policy().data },
    });
  });

  test('cannot be given to a key that is not exportable', async () => {
    await create('staying', { kty: 'EC-HSM' });
    expect(await update('staying', { release_policy: policy() })).toMatchObject(badParameter);
    expect(await update('staying', { attributes: { exportable: true } })).toMatchObject(badParameter);
    expect(await update('staying', { attributes: { exportable: false } })).toMatchObject({ status: 200 });
  });
});

describe('update', () => {
  test('null takes a time away, and what is absent stays', { tags: ['mock-form'] }, async () => {
    const attributes = { nbf: 1_000_000_000, exp: 4_000_000_000 };
    await create('timed', { kty: 'EC-HSM', attributes, tags: { a: '1' }, key_ops: ['sign'] });
    const changed = (await update('timed', { attributes: { exp: null } })).body;
    expect(changed.attributes).toMatchObject({ nbf: 1_000_000_000 });
    expect(changed.attributes).not.toHaveProperty('exp');
    expect(changed).toMatchObject({ tags: { a: '1' }, key: { key_ops: ['sign'] } });
  });

  test('may take all operations away, and then none is answered', async () => {
    await create('idle', { kty: 'EC-HSM' });
    const changed = await update('idle', { key_ops: [] });
    expect(changed.status).toBe(200);
    expect(changed.body.key).not.toHaveProperty('key_ops');
    const body = { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') };
    expect(await pool.call('POST', '/keys/idle/sign', { body })).toMatchObject({ status: 403 });
  });

  test('changes the version that the path names, and no other', async () => {
    const kid = new URL((await create('two', { kty: 'EC-HSM' })).body.key.kid).pathname;
    await create('two', { kty: 'EC-HSM' });
    await pool.call('PATCH', kid, { body: { attributes: { enabled: false } } });
    expect((await pool.call('GET', kid)).body.attributes.enabled).toBe(false);
    expect((await pool.call('GET', '/keys/two')).body.attributes.enabled).toBe(true);
  });

  test.each<[string, object]>([
    ['an operation that the type has not', { key_ops: ['wrapKey'] }],
    ['an exp before the nbf it has', { attributes: { exp: 999_999_999 } }],
    ['16 tags', { tags: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`t${i}`, ''])) }],
  ])('%s is BadParameter', async (_what, body) => {
    await create('kept', { kty: 'EC-HSM', attributes: { nbf: 1_000_000_000 } });
    expect(await update('kept', body)).toMatchObject(badParameter);
  });

  test('a key that is not there is KeyNotFound, whatever the body says', async () => {
    expect(await update('absent', { tags: 5 })).toMatchObject({
      status: 404,
      body: { error: { code: 'KeyNotFound' } },
    });
  });
});

/** A modulus and its factors, so long that nobody could say in time whether they are prime. */
function longNumbers() {
  const number = () => BigInt(`0x${randomBytes(6000).toString('hex')}`) | 1n;
  const text = (value: bigint) => Buffer.from(value.toString(16).padStart(24_000, '0'), 'hex').toString('base64url');
  const [p, q] = [number(), number()];
  return { n: text(p * q), p: text(p), q: text(q) };
}

describe('import', () => {
  const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

  test('a second import is the next version', async () => {
    const first = await importKey('again', { key: { ...ec(), kty: 'EC-HSM' } });
    const second = await importKey('again', { key: { ...ec(), kty: 'EC' }, Hsm: false });
    expect(second.body.key.kty).toBe('EC-HSM');
    expect(second.body.key.kid).not.toBe(first.body.key.kid);
    expect((await pool.call('GET', '/keys/again/versions')).body.value).toHaveLength(2);
  });

  test('RSA and symmetric keys come in with their own operations', async () => {
    const jwk = rsa();
    const { key } = (await importKey('brought-rsa', { key: { ...jwk, kty: 'RSA-HSM', key_ops: ['sign'] } })).body;
    expect(key).toMatchObject({ n: jwk.n, e: jwk.e, key_ops: ['sign'] });
    const k = randomBytes(16).toString('base64url');
    const imported = await importKey('brought-oct', { key: { kty: 'oct-HSM', k, key_ops: ['encrypt'] } });
    expect(imported.body.key).not.toHaveProperty('k');
    const body = { alg: 'A256GCM', value: 'AAAA' };
    expect(await pool.call('POST', '/keys/brought-oct/encrypt', { body })).toMatchObject(badParameter);
  });

  test.each<[string, () => object]>([
    ['a point that does not go with d', () => ({ ...ec(), kty: 'EC-HSM', d: ec().d })],
    ['a private exponent of another key', () => ({ ...rsa(), kty: 'RSA-HSM', d: rsa().d })],
    ['primes of another key', () => ({ ...rsa(), kty: 'RSA-HSM', p: rsa().p })],
    ['a public key alone', () => ({ kty: 'RSA-HSM', n: rsa().n, e: 'AQAB' })],
    [
      'a modulus of 1024 bits',
      () => ({
        ...generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' }),
        kty: 'RSA-HSM',
      }),
    ],
    ['numbers too long to look at', () => ({ ...rsa(), ...longNumbers(), kty: 'RSA-HSM' })],
    ['a symmetric key of 15 bytes', () => ({ kty: 'oct-HSM', k: Buffer.alloc(15).toString('base64url') })],
    ['no key material', () => ({ kty: 'EC-HSM', crv: 'P-256' })],
    ['an operation that the type has not', () => ({ ...ec(), kty: 'EC-HSM', key_ops: ['decrypt'] })],
    ['a transfer blob that is none', () => ({ kty: 'RSA-HSM', key_hsm: 'AAAA' })],
  ])('%s is BadParameter', async (_what, key) => {
    expect(await importKey('wrong', { key: key() })).toMatchObject(badParameter);
  });

  describe('of a key that the customer wrapped for a key exchange key', () => {
    const blobFor = (kek: { kid: string; n: string; e: string }, secret: Buffer) => {
      const recipient = createPublicKey({ key: { kty: 'RSA', n: kek.n, e: kek.e }, format: 'jwk' });
      const ciphertext = wrapForTransfer('CKM_RSA_AES_KEY_WRAP', recipient, secret).toString('base64url');
      const header = { kid: kek.kid, alg: 'dir', enc: 'CKM_RSA_AES_KEY_WRAP' };
      return Buffer.from(JSON.stringify({ schema_version: '1.0.0', header, ciphertext, generator: 'test' })).toString(
        'base64url',
      );
    };

    // The blob hides the key's name from the connection, which gives it a prefix in a real pool.
    test('gives that key', { tags: ['own-pool'] }, async () => {
      const kek = (await create('kek', { kty: 'RSA-HSM', key_ops: ['import'] })).body.key;
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
      const key_hsm = blobFor(kek, privateKey.export({ format: 'der', type: 'pkcs8' }));
      const { key } = (await importKey('byok', { key: { kty: 'EC-HSM', crv: 'P-384', key_hsm } })).body;
      expect(key).toMatchObject({ kty: 'EC-HSM', crv: 'P-384', x: publicKey.export({ format: 'jwk' }).x });
    });

    test('is refused for a key that is not there for it', { tags: ['own-pool'] }, async () => {
      const other = (await create('no-kek', { kty: 'RSA-HSM' })).body.key;
      const key_hsm = blobFor(other, randomBytes(32));
      expect(await importKey('byok-2', { key: { kty: 'oct-HSM', key_hsm } })).toMatchObject({ status: 403 });
    });
  });
});
