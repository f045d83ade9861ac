// Secure key release and key attestation, read as a client in a confidential environment would.
import {
  constants,
  createPrivateKey,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  privateEncrypt,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { compactVerify, importX509 } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  decodeTransfer,
  type TransferMechanism,
  transferMechanisms,
  unwrapTransferred,
} from '../keyvault/key-transfer.ts';
import { PoolConnection, role } from './pool-connection.ts';

let pool: PoolConnection;
let nowMs = Date.now();

const authority = 'https://sharedeus.eus.attest.azure.net';
const environment = generateKeyPairSync('rsa', { modulusLength: 2048 });

beforeAll(async () => {
  pool = await PoolConnection.open({ now: () => nowMs, tokenLifetimeS: 86_400 * 365 });
  await pool.assign(role.cryptoUser, '/');
  for (const [name, body] of [
    ['rsa', { kty: 'RSA-HSM' }],
    ['ec', { kty: 'EC-HSM', crv: 'P-256K' }],
    ['oct', { kty: 'oct-HSM', key_size: 256 }],
  ] as const) {
    await create(name, { ...body, attributes: { exportable: true }, release_policy: { data: policy } });
  }
});

afterAll(() => pool.close());

const policy = Buffer.from(
  JSON.stringify({
    anyOf: [{ allOf: [{ claim: 'x-ms-isolation-tee.x-ms-attestation-type', equals: 'sevsnpvm' }], authority }],
    version: '1.0.0',
  }),
).toString('base64url');

const create = async (name: string, body: object) => (await pool.call('POST', `/keys/${name}/create`, { body })).body;

const compliant = { 'x-ms-isolation-tee': { 'x-ms-attestation-type': 'sevsnpvm' } };

const runtime = {
  'x-ms-runtime': {
    keys: [
      { kid: 'signing', kty: 'RSA', key_ops: ['sign'], n: 'AQAB', e: 'AQAB' },
      { kid: 'TransferKey', key_ops: ['encrypt'], ...environment.publicKey.export({ format: 'jwk' }) },
    ],
  },
};

async function attest(claims: object = { ...compliant, ...runtime }, issuer = authority, lifetimeSeconds = 60) {
  const body = { issuer, claims, lifetimeSeconds };
  return (await pool.call<{ token: string }>('POST', '/mock/attestation?', { token: null, body })).body.token;
}

const release = (name: string, body: object) => pool.call('POST', `/keys/${name}/release`, { body });

/** Checks the signature by the certificate in the header, and the certificate by the CA that clients trust. */
async function payloadOf(jws: string) {
  const header = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString());
  const certificate = new X509Certificate(Buffer.from(header.x5c[0], 'base64'));
  expect(certificate.checkIssued(new X509Certificate(pool.hsm.caPem))).toBe(true);
  const { payload } = await compactVerify(jws, await importX509(certificate.toString(), header.alg));
  return JSON.parse(Buffer.from(payload).toString());
}

describe('a release', { tags: ['mock-routes'] }, () => {
  test.each(transferMechanisms)('wraps the key by %s for the environment', async (enc: TransferMechanism) => {
    const { status, body } = await release('rsa', { target: await attest(), enc, nonce: 'fresh' });
    expect(status).toBe(200);
    const { request, response, ...rest } = await payloadOf(body.value);
    const asked = `${pool.hsm.url}/keys/rsa`;
    expect(rest).toEqual({});
    expect(request).toEqual({ 'api-version': '7.4', enc, kid: asked, nonce: 'fresh' });
    const { key } = (await pool.call('GET', '/keys/rsa')).body;
    expect(response.key.key).toMatchObject({ kid: key.kid, kty: 'RSA', n: key.n });
    expect(response.key.release_policy.data).toBe(policy);
    const blob = decodeTransfer(response.key.key.key_hsm);
    expect(blob).toMatchObject({ kid: 'TransferKey', enc });
    const pkcs8 = unwrapTransferred(enc, environment.privateKey, blob?.ciphertext ?? Buffer.alloc(0));
    const digest = randomBytes(32);
    // The released key signs, and the pool verifies with the one it kept.
    const info = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), digest]);
    const released = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const signature = privateEncrypt({ key: released, padding: constants.RSA_PKCS1_PADDING }, info);
    const question = { alg: 'RS256', digest: digest.toString('base64url'), value: signature.toString('base64url') };
    expect((await pool.call('POST', '/keys/rsa/verify', { body: question })).body.value).toBe(true);
  });

  test('gives an EC key as PKCS#8 and a symmetric one as its bytes', async () => {
    const secretOf = async (name: string) => {
      const { body } = await release(name, { target: await attest() });
      const { response } = await payloadOf(body.value);
      const blob = decodeTransfer(response.key.key.key_hsm);
      return unwrapTransferred('CKM_RSA_AES_KEY_WRAP', environment.privateKey, blob?.ciphertext ?? Buffer.alloc(0));
    };
    const { x, y } = (await pool.call('GET', '/keys/ec')).body.key;
    const key = await secretOf('ec');
    expect(
      createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' }),
    ).toMatchObject({ x, y });
    expect(await secretOf('oct')).toHaveLength(32);
  });

  test.each<[string, () => Promise<string>]>([
    ['another authority', () => attest({ ...compliant, ...runtime }, 'https://attest.example')],
    ['claims that do not meet the policy', () => attest({ 'x-ms-isolation-tee': {}, ...runtime })],
  ])('for a token of %s is Forbidden by the policy', async (_what, token) => {
    const answer = await release('rsa', { target: await token() });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'Forbidden' } } });
    expect(answer.body.error.message).toContain('does not meet key release policy requirements');
  });

  test('for a token that nobody here signed, or that is over, is Forbidden', async () => {
    const token = await attest();
    const [header, payload] = token.split('.');
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const forged = createSign('sha256').update(`${header}.${payload}`).sign(stranger).toString('base64url');
    nowMs += 120_000;
    for (const target of [`${header}.${payload}.${forged}`, token]) {
      const answer = await release('rsa', { target });
      expect(answer).toMatchObject({ status: 403, body: { error: { code: 'Forbidden' } } });
      expect(answer.body.error.message).toContain('cannot be verified');
    }
  });

  test('for an environment without a key to wrap for is BadParameter', async () => {
    const tooSmall = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
    for (const keys of [[], [{ ...tooSmall, use: 'enc' }], [{ kty: 'RSA', use: 'enc', n: '!', e: 5 }]]) {
      const target = await attest({ ...compliant, 'x-ms-runtime': { keys } });
      expect(await release('rsa', { target })).toMatchObject({
        status: 400,
        body: { error: { code: 'BadParameter' } },
      });
    }
  });

  test('of a disabled key is Forbidden, of an expired one is not', async () => {
    const described = { kty: 'EC-HSM', release_policy: { data: policy } };
    await create('off', { ...described, attributes: { exportable: true, enabled: false } });
    await create('old', { ...described, attributes: { exportable: true, exp: 1_000_000_000 } });
    expect(await release('off', { target: await attest() })).toMatchObject({ status: 403 });
    expect(await release('old', { target: await attest() })).toMatchObject({ status: 200 });
  });
});

describe('release refuses', () => {
  test('a target that is no token, or one of somebody who only calls himself the authority', async () => {
    const claims = { iss: authority, exp: Math.floor(nowMs / 1000) + 3600, ...compliant, ...runtime };
    const [head, body] = [{ alg: 'RS256', kid: 'k' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const forged = createSign('sha256').update(`${head}.${body}`).sign(environment.privateKey).toString('base64url');
    for (const target of ['a.b.c', 'none', `${head}.${body}.`, `${head}.${body}.${forged}`]) {
      const answer = await release('rsa', { target });
      expect(answer).toMatchObject({ status: 403, body: { error: { code: 'Forbidden' } } });
      expect(answer.body.error.message).toContain('cannot be verified');
    }
  });

  test.each<[string, object]>([
    ['no target', {}],
    ['an unknown way to wrap', { target: 'a.b.c', enc: 'AES' }],
    ['a target that is no text', { target: 5 }],
  ])('%s with BadParameter', async (_what, body) => {
    expect(await release('rsa', body)).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
  });

  test('a key that is not exportable', async () => {
    await create('own', { kty: 'EC-HSM' });
    expect(await release('own', { target: 'a.b.c' })).toMatchObject({ status: 400 });
  });

  test('a key that is not there', async () => {
    expect(await release('none', { target: 'a.b.c' })).toMatchObject({ status: 404 });
  });
});

describe('attestation', () => {
  const read = (path: string) => pool.call('GET', `${path}/attestation?api-version=7.6`);

  test('is a bundle with statements about both halves, each signed under the certificates beside them', {
    tags: ['mock-form'],
  }, async () => {
    const { body } = await read('/keys/rsa');
    const { attestation, ...attributes } = body.attributes;
    const plain = (await pool.call('GET', '/keys/rsa?api-version=7.6')).body;
    expect({ ...body, attributes }).toEqual(plain);
    expect(Buffer.from(attestation.certificatePemFile, 'base64url').toString()).toContain('BEGIN CERTIFICATE');
    const statement = async (text: string) => payloadOf(Buffer.from(text, 'base64url').toString());
    const about = { simulated: true, kid: plain.key.kid, kty: 'RSA-HSM' };
    expect(await statement(attestation.privateKeyAttestation)).toMatchObject({ ...about, half: 'private' });
    expect(await statement(attestation.publicKeyAttestation)).toMatchObject({
      ...about,
      half: 'public',
      n: plain.key.n,
    });
  });

  test('of a version is about that version', async () => {
    const { kid } = (await pool.call('GET', '/keys/ec')).body.key;
    const answer = await read(new URL(kid).pathname);
    expect(answer.body.key.kid).toBe(kid);
  });

  test('of a symmetric key has no public half', async () => {
    const { attestation } = (await read('/keys/oct')).body.attributes;
    expect(attestation.version).toBe('MRVL-1');
    expect(Object.keys(attestation).sort()).toEqual(['certificatePemFile', 'privateKeyAttestation', 'version']);
  });

  test('is not part of other answers, and unknown to older api-versions', async () => {
    expect((await pool.call('GET', '/keys/rsa?api-version=7.6')).body.attributes).not.toHaveProperty('attestation');
    expect(await pool.call('GET', '/keys/rsa/attestation?api-version=7.5')).toMatchObject({ status: 400 });
  });
});
