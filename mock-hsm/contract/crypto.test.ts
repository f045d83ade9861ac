import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;
const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));

beforeAll(async () => {
  pool = await PoolConnection.open();
  await pool.assign(role.cryptoUser, '/');
  await Promise.all([
    create('rsa', { kty: 'RSA-HSM' }),
    create('p256', { kty: 'EC-HSM', crv: 'P-256' }),
    create('p256k', { kty: 'EC-HSM', crv: 'P-256K' }),
    create('p384', { kty: 'EC-HSM', crv: 'P-384' }),
    create('p521', { kty: 'EC-HSM', crv: 'P-521' }),
    ...[128, 192, 256].map((key_size) => create(`aes${key_size}`, { kty: 'oct-HSM', key_size })),
  ]);
});

afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

const create = async (name: string, body: object) => (await pool.call('POST', `/keys/${name}/create`, { body })).body;

const post = (name: string, operation: string, body: object) =>
  pool.call('POST', `/keys/${name}/${operation}`, { body });

const digest = (bits: number) => createHash(`sha${bits}`).update('message').digest();

const signing: [name: string, alg: string, bits: number, options: string[]][] = [
  ...[256, 384, 512].flatMap((bits): [string, string, number, string[]][] => [
    ['rsa', `RS${bits}`, bits, ['-pkeyopt', `digest:sha${bits}`]],
    [
      'rsa',
      `PS${bits}`,
      bits,
      ['-pkeyopt', 'rsa_padding_mode:pss', '-pkeyopt', 'rsa_pss_saltlen:digest', '-pkeyopt', `digest:sha${bits}`],
    ],
  ]),
  ['rsa', 'RSNULL', 512, []],
  ['p256', 'ES256', 256, []],
  ['p256k', 'ES256K', 256, []],
  ['p384', 'ES384', 384, []],
  ['p521', 'ES512', 512, []],
];

describe.each(signing)('%s with %s', (name, alg, bits, options) => {
  test('the openssl command verifies the signature over the digest, and so does the pool', async () => {
    const value = digest(bits);
    const { body } = await post(name, 'sign', { alg, value: value.toString('base64url') });
    expect(body).toMatchObject({ alg });
    const signature = Buffer.from(body.value, 'base64url');
    expect(await opensslVerifies(name, value, signature, options)).toBe(true);

    const question = { alg, digest: value.toString('base64url'), value: body.value };
    const { kid } = (await pool.call('GET', `/keys/${name}`)).body.key;
    expect((await post(name, 'verify', question)).body).toEqual({ alg, kid, value: true });
    const other = { ...question, digest: Buffer.alloc(value.length).toString('base64url') };
    expect((await post(name, 'verify', other)).body.value).toBe(false);
  });
});

async function opensslVerifies(name: string, value: Buffer, signature: Buffer, options: string[]): Promise<boolean> {
  const { key } = (await pool.call('GET', `/keys/${name}`)).body;
  const jwk: JsonWebKey = {
    ...key,
    kty: key.kty.replace('-HSM', ''),
    ...(key.crv === 'P-256K' ? { crv: 'secp256k1' } : {}),
  };
  const file = (ending: string) => join(folder, `${name}.${ending}`);
  writeFileSync(file('pem'), createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }));
  writeFileSync(file('digest'), value);
  writeFileSync(file('sig'), key.kty === 'EC-HSM' ? derSignature(signature) : signature);
  const files = ['-pubin', '-inkey', file('pem'), '-in', file('digest'), '-sigfile', file('sig')];
  const output = execFileSync('openssl', ['pkeyutl', '-verify', ...files, ...options], { encoding: 'utf8' });
  return output.includes('Signature Verified Successfully');
}

/** ECDSA-Sig-Value of RFC 3279. */
function derSignature(raw: Buffer): Buffer {
  const integer = (bytes: Buffer) => {
    const digits = Buffer.from(
      BigInt(`0x${bytes.toString('hex')}`)
        .toString(16)
        .padStart(bytes.length * 2, '0'),
      'hex',
    );
    const start = digits.findIndex((byte) => byte !== 0);
    const lean = digits.subarray(start);
    const content = (lean[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), lean]) : lean;
    return Buffer.concat([Buffer.from([2, content.length]), content]);
  };
  const half = raw.length / 2;
  const body = Buffer.concat([integer(raw.subarray(0, half)), integer(raw.subarray(half))]);
  return Buffer.concat([Buffer.from(body.length > 127 ? [0x30, 0x81, body.length] : [0x30, body.length]), body]);
}

describe('a version', () => {
  test('that is named signs, also when there is a newer one', async () => {
    const old = await create('pinned', { kty: 'EC-HSM' });
    const newest = await create('pinned', { kty: 'EC-HSM' });
    const body = { alg: 'ES256', value: digest(256).toString('base64url') };
    const path = new URL(old.key.kid).pathname;
    expect((await pool.call('POST', `${path}/sign`, { body })).body.kid).toBe(old.key.kid);
    for (const each of ['/keys/pinned/sign', '/keys/pinned//sign']) {
      expect((await pool.call('POST', each, { body })).body.kid).toBe(newest.key.kid);
    }
  });
});

describe('sign refuses', () => {
  const value = digest(256).toString('base64url');

  test.each([
    ['an unknown algorithm', 'rsa', { alg: 'XS256', value }],
    ["another key type's algorithm", 'rsa', { alg: 'ES256', value }],
    ["another curve's algorithm", 'p384', { alg: 'ES256', value }],
    ['a digest of the wrong length', 'rsa', { alg: 'RS384', value }],
    ['more than RSNULL can pad', 'rsa', { alg: 'RSNULL', value: Buffer.alloc(246).toString('base64url') }],
    ['what is not base64url', 'rsa', { alg: 'RS256', value: 'a+b/' }],
    ['no value', 'rsa', { alg: 'RS256' }],
    ['an empty object', 'rsa', {}],
  ])('%s with BadParameter', async (_what, name, body) => {
    const answer = await pool.call('POST', `/keys/${name}/sign`, { body });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
  });

  const nowS = Math.floor(Date.now() / 1000);

  test.each([
    ['KeyDisabled', 'disabled', { attributes: { enabled: false } }],
    ['KeyExpired', 'expired', { attributes: { exp: nowS - 3600 } }],
    ['KeyNotYetValid', 'early', { attributes: { nbf: nowS + 3600 } }],
    ['KeyOperationForbidden', 'verifying', { key_ops: ['verify'] }],
  ])('with Forbidden and %s', async (inner, name, described) => {
    await create(name, { kty: 'EC-HSM', ...described });
    expect(await post(name, 'sign', { alg: 'ES256', value })).toMatchObject({
      status: 403,
      body: { error: { code: 'Forbidden', innererror: { code: inner } } },
    });
  });

  test('but an expired key still verifies', async () => {
    const signature = Buffer.alloc(64, 1).toString('base64url');
    expect(await post('expired', 'verify', { alg: 'ES256', digest: value, value: signature })).toMatchObject({
      status: 200,
      body: { value: false },
    });
  });
});

describe('encryption', () => {
  const value = Buffer.from('16 bytes of text').toString('base64url');
  const iv = Buffer.alloc(16, 1).toString('base64url');

  test.each([
    ['rsa', 'RSA1_5', 'encrypt', 'decrypt'],
    ['rsa', 'RSA-OAEP', 'encrypt', 'decrypt'],
    ['rsa', 'RSA-OAEP-256', 'wrapkey', 'unwrapkey'],
    ['aes128', 'A128KW', 'wrapkey', 'unwrapkey'],
    ['aes192', 'A192KW', 'wrapkey', 'unwrapkey'],
    ['aes256', 'A256KW', 'wrapkey', 'unwrapkey'],
    ['aes256', 'CKM_AES_KEY_WRAP', 'wrapkey', 'unwrapkey'],
    ['aes256', 'CKM_AES_KEY_WRAP_PAD', 'wrapKey', 'unwrapKey'],
    ['aes256', 'A256CBC', 'encrypt', 'decrypt'],
    ['aes192', 'A192CBCPAD', 'encrypt', 'decrypt'],
  ])('%s %s %s and %s give the text back', async (name, alg, there, back) => {
    const { body } = await post(name, there, { alg, value, iv });
    expect(body.value).not.toBe(value);
    expect((await post(name, back, { alg, value: body.value, iv })).body).toMatchObject({ alg, value });
  });

  test('key wrapping with padding takes any length, and adds at least eight bytes', async () => {
    for (const [given, wrapped] of [
      [1, 16],
      [32, 40],
      [33, 48],
    ] as const) {
      const text = Buffer.alloc(given, 7).toString('base64url');
      const { body } = await post('aes256', 'wrapkey', { alg: 'CKM_AES_KEY_WRAP_PAD', value: text });
      expect(Buffer.from(body.value, 'base64url')).toHaveLength(wrapped);
      const back = await post('aes256', 'unwrapkey', { alg: 'CKM_AES_KEY_WRAP_PAD', value: body.value });
      expect(back.body.value).toBe(text);
    }
  });

  test('GCM answers its iv and tag, and refuses a wrong tag', async () => {
    const aad = Buffer.from('header').toString('base64url');
    const { body } = await post('aes128', 'encrypt', { alg: 'A128GCM', value, aad });
    expect(Object.keys(body)).toEqual(['aad', 'alg', 'iv', 'kid', 'tag', 'value']);
    const sealed = { alg: 'A128GCM', value: body.value, iv: body.iv, tag: body.tag, aad };
    const opened = (await post('aes128', 'decrypt', sealed)).body;
    expect(opened).toEqual({ alg: 'A128GCM', kid: body.kid, value });
    const wrong = { ...sealed, tag: Buffer.alloc(16).toString('base64url') };
    expect(await post('aes128', 'decrypt', wrong)).toMatchObject({ status: 400 });
  });

  test.each([
    ['an algorithm of another key size', 'aes128', 'encrypt', { alg: 'A256GCM', value }],
    ['key wrapping by encrypt', 'aes128', 'encrypt', { alg: 'A128KW', value }],
    ['CBC without iv', 'aes128', 'encrypt', { alg: 'A128CBC', value }],
    ['CBC of half a block', 'aes128', 'encrypt', { alg: 'A128CBC', value: 'AAAA', iv }],
    [
      'more than fits the modulus',
      'rsa',
      'encrypt',
      { alg: 'RSA-OAEP', value: Buffer.alloc(215).toString('base64url') },
    ],
    ['a ciphertext of the wrong length', 'rsa', 'decrypt', { alg: 'RSA-OAEP', value }],
    [
      'a ciphertext of nobody',
      'rsa',
      'decrypt',
      { alg: 'RSA-OAEP', value: Buffer.alloc(256, 1).toString('base64url') },
    ],
  ])('%s is BadParameter', async (_what, name, operation, body) => {
    expect(await post(name, operation, body)).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
  });
});
