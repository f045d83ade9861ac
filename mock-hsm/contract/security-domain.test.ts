// @module-tag own-pool
// Activation: the ceremony that hands the security domain to its owners, and the one that takes it into another pool.
// The owners' side is written out here, as az does it.
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble } from '../assemble.ts';
import { joinSecret } from '../pool/shamir.ts';
import { makeAuthority } from '../tls/certificate-authority.ts';
import { PoolConnection, role } from './pool-connection.ts';

interface Owner {
  readonly privateKey: KeyObject;
  readonly jwk: Record<string, unknown>;
  readonly thumbprint: string;
}

let owners: Owner[];
let fresh: PoolConnection;

beforeAll(async () => {
  owners = await Promise.all([newOwner(), newOwner(), newOwner()]);
  fresh = await PoolConnection.open({ activated: false });
});

afterAll(() => fresh.close());

async function newOwner(): Promise<Owner> {
  const { certPem, keyPem } = await makeAuthority(new Date());
  const { raw, publicKey } = new X509Certificate(certPem);
  const thumbprint = createHash('sha256').update(raw).digest('base64url');
  const jwk = {
    ...publicKey.export({ format: 'jwk' }),
    alg: 'RSA-OAEP-256',
    key_ops: ['verify', 'encrypt', 'wrapKey'],
    x5c: [raw.toString('base64')],
    'x5t#S256': thumbprint,
  };
  return { privateKey: createPrivateKey(keyPem), jwk, thumbprint };
}

const certificates = () => owners.map(({ jwk }) => jwk);

const download = (pool: PoolConnection, body: object) => pool.asAdmin('POST', '/securitydomain/download', body);

/** What owners do with their shares: the domain, encrypted for the pool that is to take it. */
async function restoreBlob(domain: string, present: readonly Owner[], transferKey: string): Promise<string> {
  const { EncData, SharedKeys } = JSON.parse(domain);
  const shares = present.map(async ({ privateKey, thumbprint }) => {
    const own = SharedKeys.enc_shares.find(({ x5t_256 }: { x5t_256: string }) => x5t_256 === thumbprint);
    return (await compactDecrypt(own.enc_key, privateKey)).plaintext;
  });
  const masterKey = joinSecret(await Promise.all(shares));
  const pool = new X509Certificate(Buffer.from(JSON.parse(transferKey).x5c[0], 'base64')).publicKey;
  const enc_key = await new CompactEncrypt(masterKey)
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256CBC-HS512' })
    .encrypt(pool);
  return JSON.stringify({ EncData, WrappedKey: { enc_key, x5t_256: 'not read' } });
}

test('whether a pool begins activated is settled when it is served first, and not by commands before', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'mock-hsm-domain-'));
  const { close } = await assemble({ dataDir, seedDocument: { groups: [{ name: 'a' }] } });
  await close();
  for (const activated of [false, true]) {
    const pool = await PoolConnection.open({ dataDir, activated });
    expect((await pool.call('GET', '/mock/activation', { token: null })).body).toEqual({ activated: false });
    await pool.close();
  }
  rmSync(dataDir, { recursive: true });
});

describe('a pool that is not activated', () => {
  test.each([
    ['GET', '/keys'],
    ['POST', '/keys/any/create'],
    ['GET', '/settings'],
    ['POST', '/backup'],
    ['GET', '/providers/Microsoft.Authorization/roleAssignments'],
  ])('refuses %s %s', async (method, path) => {
    expect(await fresh.asAdmin(method, path)).toMatchObject({
      status: 403,
      body: { error: { code: 'Forbidden', innererror: { code: 'NotActivated' } } },
    });
  });

  test('still asks for a token first', async () => {
    expect(await fresh.call('GET', '/keys', { token: null })).toMatchObject({ status: 401 });
  });

  test('has no transfer to tell of', async () => {
    expect(await fresh.asAdmin('GET', '/securitydomain/download/pending')).toMatchObject({ status: 404 });
  });

  test.each<[string, () => object]>([
    ['two owners', () => ({ certificates: certificates().slice(1), required: 2 })],
    ['a quorum of one', () => ({ certificates: certificates(), required: 1 })],
    ['a quorum of more than all', () => ({ certificates: certificates(), required: 4 })],
    [
      'what is no certificate',
      () => ({ certificates: certificates().map((jwk) => ({ ...jwk, x5c: ['AAAA'] })), required: 2 }),
    ],
    [
      'a thumbprint of another certificate',
      () => ({ certificates: certificates().map((jwk) => ({ ...jwk, 'x5t#S256': 'x' })), required: 2 }),
    ],
  ])('gives no domain for %s', async (_what, body) => {
    expect(await download(fresh, body())).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
    expect(await fresh.asAdmin('GET', '/keys')).toMatchObject({ status: 403 });
  });
});

describe('a download', () => {
  test('activates the pool, and its status says so', async () => {
    const pool = await PoolConnection.open({ activated: false });
    const answer = await download(pool, { certificates: certificates(), required: 2 });
    expect(answer.status).toBe(202);
    expect(answer.headers['azure-asyncoperation']).toBe(`${pool.hsm.url}/securitydomain/download/pending`);
    const domain = JSON.parse(answer.body.value);
    expect(domain).toMatchObject({
      EncData: { kdf: 'sp108_kdf' },
      SharedKeys: { key_algorithm: 'shamir_share', required: 2 },
    });
    expect(domain.SharedKeys.enc_shares).toHaveLength(3);
    expect((await pool.asAdmin('GET', '/securitydomain/download/pending')).body).toMatchObject({ status: 'Success' });
    expect(await pool.asAdmin('GET', '/settings')).toMatchObject({ status: 200 });
    await pool.close();
  });

  test('is for whoever may, and nobody else', async () => {
    const answer = await fresh.call('POST', '/securitydomain/download', { body: {} });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'AccessDenied' } } });
  });
});

describe('an upload', () => {
  test('by a quorum of the owners lets another pool restore what the first one backed up', async () => {
    const first = await PoolConnection.open();
    const second = await PoolConnection.open({ activated: false });
    await first.assign(role.cryptoUser, '/');
    const body = { kty: 'RSA-HSM', tags: { from: 'first' } };
    const made = (await first.call('POST', '/keys/moving/create', { body })).body;
    const { value } = (await first.call('POST', '/keys/moving/backup')).body;
    const domain = (await download(first, { certificates: certificates(), required: 2 })).body.value;

    const { transfer_key, key_format } = (await second.asAdmin('GET', '/securitydomain/upload')).body;
    expect(key_format).toBe('jwk');
    const blob = await restoreBlob(domain, owners.slice(1), transfer_key);
    const upload = await second.asAdmin('POST', '/securitydomain/upload', { value: blob });
    expect(upload).toMatchObject({ status: 202, body: { status: 'Success' } });
    expect((await second.asAdmin('GET', '/securitydomain/upload/pending')).body.status).toBe('Success');

    await second.assign(role.cryptoUser, '/');
    const restored = (await second.call('POST', '/keys/restore', { body: { value } })).body;
    expect(restored).toMatchObject({ key: { n: made.key.n }, tags: { from: 'first' } });
    expect(await second.asAdmin('POST', '/securitydomain/upload', { value: blob })).toMatchObject({ status: 400 });
    await Promise.all([first.close(), second.close()]);
  });

  test('of a domain that is encrypted for another pool is BadParameter', async () => {
    const other = await PoolConnection.open();
    const domain = (await download(other, { certificates: certificates(), required: 3 })).body.value;
    const { transfer_key } = (await other.asAdmin('GET', '/securitydomain/upload')).body;
    const blob = await restoreBlob(domain, owners, transfer_key);
    for (const value of [blob, domain, '{}', 'no JSON']) {
      const answer = await fresh.asAdmin('POST', '/securitydomain/upload', { value });
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'BadParameter' } } });
    }
    await other.close();
  });

  test('of another pool’s key backup without its domain is refused', async () => {
    const [one, two] = [await PoolConnection.open(), await PoolConnection.open()];
    await Promise.all([one, two].map((pool) => pool.assign(role.cryptoUser, '/')));
    await one.call('POST', '/keys/k/create', { body: { kty: 'EC-HSM' } });
    const { value } = (await one.call('POST', '/keys/k/backup')).body;
    expect(await two.call('POST', '/keys/restore', { body: { value } })).toMatchObject({ status: 400 });
    await Promise.all([one.close(), two.close()]);
  });
});
