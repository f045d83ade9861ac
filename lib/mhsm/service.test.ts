/** The client against mock-hsm as a process: a service that somebody else wrote from the same references. */

import { createVerify, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CRYPTO_USER, MockHsm, type ServicePrincipal } from '../../demo/mock.ts';
import { parseConfiguration } from '../config/parse.ts';
import type { HsmIdentity, KeyVersion, NewKey } from '../core/hsm.ts';
import { createHsm, type RestHsm } from './hsm.ts';

const MAX_CONNECTIONS = 3;

let folder: string;
let mock: MockHsm;
const hsms: RestHsm[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-service-'));
  mock = await MockHsm.start(join(folder, 'mock'));
  await mock.assignRole(CRYPTO_USER, mock.keyGeneration.objectId, '/');
});

afterEach(async () => {
  await Promise.all(hsms.splice(0).map((hsm) => hsm.close()));
});

afterAll(async () => {
  await mock?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function open(token: object = {}): RestHsm {
  const base = { slotid: 0, baseUrl: mock.url, caFile: mock.caFile, authorityHost: mock.url };
  const text = JSON.stringify({
    tokens: [{ ...base, ...token }],
    ConnectionCache: { MaxConnections: MAX_CONNECTIONS },
  });
  const { configuration } = parseConfiguration(text, 'test.conf');
  const [first] = configuration.tokens;
  if (first === undefined) throw new Error('no token');
  const hsm = createHsm(first, configuration);
  hsms.push(hsm);
  return hsm;
}

const pinOf = ({ clientId, clientSecret }: ServicePrincipal) => Buffer.from(`${clientId}:${clientSecret}\n`);

async function login(principal = mock.keyGeneration): Promise<HsmIdentity> {
  const identity = open().identityOfPin(pinOf(principal));
  await identity.authenticate();
  return identity;
}

const newKey = (name: string, key: NewKey['key']): NewKey => ({
  name,
  key,
  operations: ['sign', 'verify'],
  tags: { label: name },
  lifetime: {},
});

function publicKeyOf({ publicKey }: KeyVersion) {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  if (publicKey?.kty === 'RSA') return { kty: 'RSA', n: text(publicKey.modulus), e: text(publicKey.exponent) };
  if (publicKey?.kty === 'EC') {
    return { kty: 'EC', crv: publicKey.curve, x: text(publicKey.x), y: text(publicKey.y) };
  }
  return {};
}

const operation = (name: string) => expect.objectContaining({ operation: name });

describe('a key', () => {
  test('is made, listed, read, changed, used and deleted', async () => {
    const identity = await login();
    const made = await identity.createKey(newKey('life', { kty: 'RSA', bits: 2048 }));
    expect(made).toMatchObject({ name: 'life', tags: { label: 'life' }, enabled: true });
    expect((await identity.listKeys()).find(({ name }) => name === 'life')).toMatchObject({ created: made.created });
    expect(await identity.getKey('life')).toMatchObject({ version: made.version, publicKey: made.publicKey });
    const changed = await identity.updateKey('life', made.version, { tags: { label: 'other' }, operations: ['sign'] });
    expect(changed).toMatchObject({ tags: { label: 'other' }, operations: ['sign'] });
    expect((await identity.listKeys()).find(({ name }) => name === 'life')?.tags).toEqual({ label: 'other' });
    expect(await identity.listVersions('life')).toMatchObject([{ version: made.version }]);
    await identity.deleteKey('life');
    expect((await identity.listKeys()).map(({ name }) => name)).not.toContain('life');
    await expect(identity.createKey(newKey('life', { kty: 'RSA', bits: 2048 }))).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/recover or purge/) }),
    );
  });

  test('signs what its public key verifies', async () => {
    const identity = await login();
    const rsa = await identity.createKey(newKey('rsa', { kty: 'RSA', bits: 2048 }));
    const ec = await identity.createKey(newKey('ec', { kty: 'EC', curve: 'P-256' }));
    const data = Buffer.from('to be signed');
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
    const byRsa = await identity.sign('rsa', rsa.version, 'RS256', digest);
    const byEc = await identity.sign('ec', ec.version, 'ES256', digest);
    const key = (of: KeyVersion) => ({ key: publicKeyOf(of), format: 'jwk' }) as const;
    expect(createVerify('sha256').update(data).verify(key(rsa), byRsa)).toBe(true);
    expect(verify('sha256', data, { ...key(ec), dsaEncoding: 'ieee-p1363' }, byEc)).toBe(true);
  });

  test('that is new in the list is found by a fresh one, however many pages there are', async () => {
    const identity = await login();
    const names = Array.from({ length: 30 }, (_, i) => `many-${i}`);
    await identity.listKeys();
    const other = await login();
    await Promise.all(names.map((name) => other.createKey(newKey(name, { kty: 'EC', curve: 'P-256' }))));
    const listed = (await identity.listKeys({ fresh: true })).map(({ name }) => name);
    expect(listed).toEqual(expect.arrayContaining(names));
  });
});

test('signatures cost one request each and nothing else, on at most MaxConnections connections', async () => {
  const identity = await login();
  const { version } = await identity.createKey(newKey('hot', { kty: 'EC', curve: 'P-256' }));
  const before = await mock.sequence();
  const sign = () => identity.sign('hot', version, 'ES256', new Uint8Array(32));
  await Promise.all(Array.from({ length: 100 }, sign));
  const requests = (await mock.requests(before)).filter(({ clientId }) => clientId === mock.keyGeneration.clientId);
  expect(requests).toEqual(Array.from({ length: 100 }, () => operation('sign')));
  expect(new Set(requests.map(({ connection }) => connection)).size).toBeLessThanOrEqual(MAX_CONNECTIONS);
});

test('random bytes are random', async () => {
  const identity = await login();
  const [one, two] = await Promise.all([identity.random(200), identity.random(200)]);
  expect([one.length, two.length]).toEqual([200, 200]);
  expect(one).not.toEqual(two);
});

describe('what goes wrong says what to do', () => {
  test('a stranger is told the role and his object id', async () => {
    const identity = await login(mock.stranger);
    await expect(identity.listKeys()).rejects.toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/keys\/read\/action/),
        hint: expect.stringContaining(`--assignee-object-id ${mock.stranger.objectId} `),
      }),
    );
  });

  test('a wrong secret is a wrong PIN', async () => {
    const { clientId } = mock.offload;
    const identity = open().identityOfPin(Buffer.from(`${clientId}:wrong`));
    await expect(identity.authenticate()).rejects.toThrow(
      expect.objectContaining({ line: expect.stringMatching(new RegExp(`${clientId}: AADSTS7000215.*PIN_INCORRECT`)) }),
    );
  });

  test('a key that was disabled says how to enable it', async () => {
    const identity = await login();
    const { version } = await identity.createKey(newKey('off', { kty: 'EC', curve: 'P-256' }));
    await identity.updateKey('off', version, { lifetime: { enabled: false } });
    await expect(identity.sign('off', version, 'ES256', new Uint8Array(32))).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/--name off --enabled true/) }),
    );
  });

  test('a service principal of the configuration needs no PIN', async () => {
    const { clientId, clientSecret } = mock.keyGeneration;
    const { ownIdentity } = open({ credential: { clientId, clientSecret } });
    await ownIdentity?.authenticate();
    expect(await ownIdentity?.random(1)).toHaveLength(1);
  });
});
