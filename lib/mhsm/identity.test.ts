import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HsmIdentity } from '../core/hsm.ts';
import { ok, PIN, type Reply, refusal, ScriptedService, SECRET } from './scripted-service.ts';

const VERSION = '0123456789abcdef0123456789abcdef';

let service: ScriptedService;
beforeAll(async () => {
  service = await ScriptedService.start();
});
afterEach(() => service.reset());
afterAll(() => service.stop());

const code = (name: string, hint?: RegExp) =>
  expect.objectContaining({
    line: expect.stringContaining(`(${name} `),
    ...(hint && { hint: expect.stringMatching(hint) }),
  });

async function loggedIn(top: object = {}): Promise<HsmIdentity> {
  const identity = service.hsm({}, top).identityOfPin(PIN);
  await identity.authenticate();
  return identity;
}

function bundle(name: string, version = VERSION, fields: object = {}) {
  const kid = `${service.url}/keys/${name}/${version}`;
  const key = { kid, kty: 'RSA-HSM', key_ops: ['sign', 'verify'], n: 'AMAB', e: 'AQAB', ...fields };
  return { key, attributes: { enabled: true, created: 7, updated: 8, exp: 9 }, tags: { a: 'b' } };
}

const item = (name: string) => ({ kid: `${service.url}/keys/${name}`, attributes: { created: 1, updated: 1 } });

describe('signing', () => {
  const signature = ok({ kid: 'x', value: 'AQID' });

  test('is one request, on the connection that is there, with the token that is there', async () => {
    const identity = await loggedIn();
    service.script = () => signature;
    const { connections, tokenRequests } = service;
    for (let i = 0; i < 20; i++) {
      expect(await identity.sign('k', VERSION, 'RS256', new Uint8Array([0xfb, 0xff]))).toEqual(Buffer.from([1, 2, 3]));
    }
    expect(service).toMatchObject({ connections, tokenRequests });
    expect(service.seen).toHaveLength(20);
    expect(service.seen[0]).toMatchObject({
      method: 'POST',
      path: `/keys/k/${VERSION}/sign?api-version=7.4`,
      body: '{"alg":"RS256","value":"-_8"}',
    });
  });

  test('finds all connections open after login, and never has more than MaxConnections', async () => {
    const hsm = service.hsm({}, { ConnectionCache: { MaxConnections: 5 } });
    const identity = hsm.identityOfPin(PIN);
    await identity.authenticate();
    await vi.waitFor(() => expect(hsm.stats).toEqual({ connected: 5, free: 5, running: 0, queued: 0 }));
    const { connections } = service;
    service.script = () => signature;
    const sign = () => identity.sign('k', VERSION, 'RS256', new Uint8Array(32));
    await Promise.all(Array.from({ length: 50 }, sign));
    expect(service.connections).toBe(connections);
  });

  test('has a connection a request when the cache is disabled', async () => {
    const identity = await loggedIn({ ConnectionCache: { Disable: true } });
    service.script = () => signature;
    const before = service.connections;
    for (let i = 0; i < 3; i++) await identity.sign('k', VERSION, 'RS256', new Uint8Array(32));
    expect(service.connections).toBe(before + 3);
  });

  test('survives a connection that the service closed while idle', async () => {
    const identity = await loggedIn();
    service.script = () => signature;
    await identity.sign('k', VERSION, 'RS256', new Uint8Array(32));
    service.cutConnections();
    expect(await identity.sign('k', VERSION, 'RS256', new Uint8Array(32))).toHaveLength(3);
  });

  test.each<[string, Reply]>([
    ['a cut connection', 'reset'],
    ['a busy service', { status: 503 }],
    ['throttling', { status: 429, headers: { 'retry-after': '0' } }],
  ])('is repeated after %s', async (_what, trouble) => {
    const identity = await loggedIn();
    service.script = (_seen, nth) => (nth === 1 ? trouble : signature);
    expect(await identity.sign('k', VERSION, 'ES256', new Uint8Array(32))).toHaveLength(3);
    expect(service.seen).toHaveLength(2);
  });

  test('is not repeated when Retry-After lies behind the deadline', async () => {
    const identity = await loggedIn();
    service.script = () => ({ status: 429, headers: { 'retry-after': '3600' } });
    await expect(identity.sign('k', VERSION, 'ES256', new Uint8Array(32))).rejects.toEqual(code('CKR_DEVICE_ERROR'));
    expect(service.seen).toHaveLength(1);
  });

  test('fails at the deadline when no answer comes, and so do those who wait for the connection', async () => {
    const identity = await loggedIn({ timeouts: { requestMs: 200 } });
    service.script = () => 'hang';
    const signs = Array.from({ length: 3 }, () => identity.sign('k', VERSION, 'ES256', new Uint8Array(32)));
    const outcomes = await Promise.allSettled(signs);
    expect(outcomes[0]).toMatchObject({ reason: { message: `${service.url} did not answer in time` } });
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: code('CKR_DEVICE_ERROR') });
  });

  test.each<[string, Reply, string, RegExp]>([
    [
      'not allowed',
      refusal(403, 'AccessDenied', 'Not authorized'),
      'CKR_KEY_FUNCTION_NOT_PERMITTED',
      /^az .*--hsm-name localhost --role "Managed HSM Crypto User".*--scope \/keys\/k$/,
    ],
    ['disabled', refusal(403, 'Forbidden', 'x', 'KeyDisabled'), 'CKR_KEY_FUNCTION_NOT_PERMITTED', /--enabled true/],
    ['expired', refusal(403, 'Forbidden', 'x', 'KeyExpired'), 'CKR_KEY_FUNCTION_NOT_PERMITTED', /--expires/],
    ['gone', refusal(404, 'KeyNotFound', 'x'), 'CKR_KEY_HANDLE_INVALID', /mhsm_p11_list_keys/],
    ['redirected', { status: 302, headers: { location: 'https://elsewhere.example' } }, 'CKR_DEVICE_ERROR', /redirect/],
    ['answered by a proxy', { status: 200, text: '<html>' }, 'CKR_DEVICE_ERROR', /proxy/],
    ['answered with nothing', ok({}), 'CKR_DEVICE_ERROR', /proxy/],
  ])('fails when %s, with a code and a hint', async (_what, reply, name, hint) => {
    const identity = await loggedIn();
    service.script = () => reply;
    await expect(identity.sign('k', VERSION, 'ES256', new Uint8Array(32))).rejects.toEqual(code(name, hint));
    expect(service.seen).toHaveLength(1);
  });

  test("a refusal carries the service's sentence, in the same words each time", async () => {
    const identity = await loggedIn();
    service.script = () => refusal(403, 'AccessDenied', 'not authorized\nto sign');
    const fail = () => identity.sign('k', VERSION, 'ES256', new Uint8Array(32)).catch((error: Error) => error.message);
    expect(await fail()).toBe(
      `${service.url} refused sign k for client client-1 with 403 AccessDenied: not authorized to sign`,
    );
    expect(await fail()).toBe(await fail());
  });
});

describe('tokens', () => {
  test('a token that the HSM refuses is replaced once', async () => {
    const identity = await loggedIn();
    service.script = ({ authorization }) => (authorization === 'Bearer token-1' ? { status: 401 } : ok({ value: [] }));
    expect(await identity.listKeys()).toEqual([]);
    expect(service.tokenRequests).toBe(2);
    service.script = () => ({ status: 401 });
    await expect(identity.listKeys({ fresh: true })).rejects.toEqual(code('CKR_DEVICE_ERROR', /tenantId/));
    expect(service.tokenRequests).toBe(3);
  });

  test('many who log in with the same PIN share one token', async () => {
    const hsm = service.hsm();
    const withNewline = Buffer.concat([PIN, Buffer.from('\n')]);
    const identities = [PIN, withNewline, PIN].map((pin) => hsm.identityOfPin(pin));
    await Promise.all(identities.map((identity) => identity.authenticate()));
    expect(new Set(identities).size).toBe(1);
    expect(service.tokenRequests).toBe(1);
  });

  test('the client secret reaches the authority whole, colons and all', async () => {
    let secret: string | null = null;
    service.tokenScript = (form) => {
      secret = form.get('client_secret');
      return service.token();
    };
    await loggedIn();
    expect(secret).toBe(SECRET);
  });

  test.each([
    ['7000215', 'CKR_PIN_INCORRECT', /the client secret is wrong/],
    ['7000222', 'CKR_PIN_INCORRECT', /has expired/],
    ['700016', 'CKR_PIN_INCORRECT', /no such application/],
    ['90033', 'CKR_DEVICE_ERROR', /try again/],
  ])('AADSTS%s is %s with a hint, and without the secret', async (number, name, hint) => {
    service.tokenScript = () => ({
      status: 401,
      json: { error: 'invalid_client', error_description: `AADSTS${number}: words`, error_codes: [Number(number)] },
    });
    const error: unknown = await loggedIn().catch((reason: unknown) => reason);
    expect(error).toEqual(code(name, hint));
    expect(error).toMatchObject({ message: expect.stringMatching(new RegExp(`client-1: AADSTS${number}$`)) });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('s3cret');
    expect((error as Error).cause).toBeUndefined();
  });

  test.each<[string, Reply, RegExp]>([
    ['away', 'reset', /firewalls and proxies/],
    ['silent', 'hang', /requestMs/],
    ['not well', { status: 503 }, /again/],
    ['something else', { status: 200, text: '<html>' }, /authorityHost/],
  ])('an authority that is %s is not the fault of the PIN', async (_what, reply, hint) => {
    service.tokenScript = () => reply;
    await expect(loggedIn({ timeouts: { requestMs: 2000 } })).rejects.toEqual(code('CKR_DEVICE_ERROR', hint));
  });

  test('while the token is valid the authority may be away', async () => {
    const clock = { ms: Date.now() };
    const identity = service.hsm({}, {}, { nowMs: () => clock.ms }).identityOfPin(PIN);
    await identity.authenticate();
    service.tokenScript = () => 'reset';
    clock.ms += 3500_000;
    expect(await identity.listKeys()).toEqual([]);
    expect(service.seen[0]?.authorization).toBe('Bearer token-1');
  });

  test('a PIN that was refused is asked about again, one that was accepted is not', async () => {
    const hsm = service.hsm();
    service.tokenScript = () => ({ status: 401, json: { error: 'x', error_description: 'AADSTS7000215: x' } });
    await expect(hsm.identityOfPin(PIN).authenticate()).rejects.toEqual(code('CKR_PIN_INCORRECT'));
    service.tokenScript = () => service.token();
    await hsm.identityOfPin(PIN).authenticate();
    const asked = service.tokenRequests;
    await hsm.identityOfPin(PIN).authenticate();
    expect(service.tokenRequests).toBe(asked);
  });

  test.each(['', 'x', ':secret', 'id:', 'id:\n'])('the PIN %j is refused without asking anybody', (pin) => {
    const hsm = service.hsm();
    expect(() => hsm.identityOfPin(Buffer.from(pin))).toThrow(code('CKR_PIN_INCORRECT', /client-id|client\) id/));
    expect(service.connections).toBe(0);
  });

  test("the slot's own identity stands for any PIN", () => {
    const hsm = service.hsm({ credential: { clientId: 'own', clientSecret: 'x' } });
    expect(hsm.ownIdentity?.name).toBe('client own');
    expect(hsm.identityOfPin(PIN)).toBe(hsm.ownIdentity);
  });

  test('with managed identity that is the own identity', () => {
    const hsm = service.hsm({}, { msi: { identityMSI: true, MSIClientID: 'mi-1' } });
    expect(hsm.ownIdentity?.name).toBe('managed identity mi-1');
  });
});

describe('a server that is not to be trusted', () => {
  test('one whose certificate is not, gets nothing; the hint says what to set', async () => {
    const identity = service.hsm({ caFile: undefined }).identityOfPin(PIN);
    await expect(identity.authenticate()).rejects.toEqual(code('CKR_DEVICE_ERROR', /set caFile of tokens\[0\]/));
    expect(service).toMatchObject({ tokenRequests: 0, seen: [] });
  });

  test('one that names an authority of its own gets no secret', async () => {
    const identity = service.hsm({ authorityHost: undefined }).identityOfPin(PIN);
    await expect(identity.authenticate()).rejects.toEqual(code('CKR_DEVICE_ERROR', /set authorityHost of tokens\[0\]/));
    expect(service.tokenRequests).toBe(0);
  });

  test('one is taken as it is with DisableTLSAuthentication, loudly', async () => {
    const lines: string[] = [];
    const top = { options: { DisableTLSAuthentication: true } };
    // The authority stays verified: it gets the secret.
    const hsm = service.hsm({ caFile: undefined }, top, { log: (line) => lines.push(line) });
    expect(lines).toEqual([expect.stringMatching(/^TLS AUTHENTICATION IS OFF for https:\/\/localhost/)]);
    await expect(hsm.identityOfPin(PIN).authenticate()).rejects.toEqual(code('CKR_DEVICE_ERROR', /set caFile/));
    expect(service.tokenRequests).toBe(0);
  });

  test('a caFile that does not exist is named', () => {
    expect(() => service.hsm({ caFile: '/nowhere/ca.pem' })).toThrow(
      /caFile of tokens\[0\] \/nowhere\/ca\.pem: ENOENT/,
    );
  });
});

describe('the key list', () => {
  test('follows its pages, and leaves out what it cannot read', async () => {
    const lines: string[] = [];
    const identity = service.hsm({}, {}, { log: (line) => lines.push(line) }).identityOfPin(PIN);
    service.script = (_seen, nth) =>
      nth === 1
        ? ok({ value: [item('a'), { kid: 'nonsense' }, item('b')], nextLink: `${service.url}/keys?$skiptoken=2` })
        : ok({ value: [item('b'), item('c')] });
    expect((await identity.listKeys()).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(service.seen.map(({ path }) => path)).toEqual(['/keys?api-version=7.4&maxresults=25', '/keys?$skiptoken=2']);
    expect(lines).toEqual([expect.stringMatching(/an item of the list is left out: "nonsense" is not a key id/)]);
  });

  test('that goes on elsewhere is refused: the token stays here', async () => {
    const identity = await loggedIn();
    service.script = () => ok({ value: [], nextLink: 'https://elsewhere.example/keys' });
    await expect(identity.listKeys()).rejects.toEqual(code('CKR_DEVICE_ERROR', /nothing was sent there/));
  });

  test('that is not allowed says which role is missing', async () => {
    const claims = Buffer.from(JSON.stringify({ oid: 'object-1' })).toString('base64url');
    service.tokenScript = () => service.token(3600, `h.${claims}.s`);
    const identity = await loggedIn();
    service.script = () => refusal(403, 'AccessDenied', 'not authorized');
    await expect(identity.listKeys()).rejects.toEqual(
      code('CKR_FUNCTION_FAILED', /az keyvault role .*--assignee-object-id object-1 .*--scope \/keys$/),
    );
  });
});

describe('keys', () => {
  test('a version is read once, the newest each time', async () => {
    const identity = await loggedIn();
    service.script = () => ok(bundle('k'));
    const key = await identity.getKey('k', VERSION);
    expect(key).toEqual({
      name: 'k',
      version: VERSION,
      kid: `${service.url}/keys/k/${VERSION}`,
      enabled: true,
      notBefore: undefined,
      expires: 9,
      created: 7,
      updated: 8,
      tags: { a: 'b' },
      operations: ['sign', 'verify'],
      // The zero byte in front is not part of the number.
      publicKey: { kty: 'RSA', modulus: Buffer.from([0xc0, 0x01]), exponent: Buffer.from([1, 0, 1]) },
    });
    expect(await identity.getKey('k', VERSION)).toBe(key);
    expect(service.seen).toHaveLength(1);
    await Promise.all([identity.getKey('k'), identity.getKey('k')]);
    await identity.getKey('k');
    expect(service.seen.map(({ path }) => path).slice(1)).toEqual([
      '/keys/k/?api-version=7.4',
      '/keys/k/?api-version=7.4',
    ]);
  });

  test('coordinates of a curve have its size', async () => {
    const identity = await loggedIn();
    service.script = () => ok(bundle('k', VERSION, { kty: 'EC-HSM', crv: 'P-256', x: 'AQ', y: 'Ag' }));
    const { publicKey } = await identity.getKey('k');
    expect(publicKey).toMatchObject({ x: Buffer.concat([Buffer.alloc(31), Buffer.from([1])]) });
  });

  test('an update takes the place of what was read', async () => {
    const identity = await loggedIn();
    service.script = ({ method }) => ok(bundle('k', VERSION, method === 'PATCH' ? { key_ops: ['sign'] } : {}));
    await identity.getKey('k', VERSION);
    await identity.updateKey('k', VERSION, { operations: ['sign'], lifetime: { enabled: false } });
    expect(service.seen.at(-1)).toMatchObject({
      method: 'PATCH',
      body: '{"key_ops":["sign"],"attributes":{"enabled":false}}',
    });
    expect((await identity.getKey('k', VERSION)).operations).toEqual(['sign']);
    expect(service.seen).toHaveLength(2);
  });

  const newKey = {
    name: 'k',
    key: { kty: 'EC', curve: 'P-384' },
    operations: ['sign'],
    tags: { t: 'v' },
    lifetime: { notBefore: 1, expires: 2 },
  } as const;

  test('create sends the whole key', async () => {
    const identity = await loggedIn();
    service.script = () => ok(bundle('k'));
    expect(await identity.createKey(newKey)).toMatchObject({ name: 'k', version: VERSION });
    expect(JSON.parse(service.seen[0]?.body ?? '')).toEqual({
      kty: 'EC-HSM',
      crv: 'P-384',
      key_ops: ['sign'],
      attributes: { nbf: 1, exp: 2 },
      tags: { t: 'v' },
    });
  });

  test('create is not sent again when it may have arrived', async () => {
    const identity = await loggedIn();
    service.script = () => 'reset';
    await expect(identity.createKey(newKey)).rejects.toEqual(code('CKR_DEVICE_ERROR'));
    expect(service.seen).toHaveLength(1);
  });

  test('create under the name of a deleted key says so', async () => {
    const identity = await loggedIn();
    service.script = () => refusal(409, 'Conflict', 'x', 'ObjectIsDeletedButRecoverable');
    await expect(identity.createKey(newKey)).rejects.toEqual(code('CKR_FUNCTION_FAILED', /recover or purge/));
  });

  test('an own change is in the next list', async () => {
    const identity = await loggedIn();
    await identity.listKeys();
    service.script = ({ method }) => (method === 'GET' ? ok({ value: [item('k')] }) : { status: 200 });
    await identity.deleteKey('gone');
    expect(await identity.listKeys()).toHaveLength(1);
  });

  test('random comes in the chunks that the service gives', async () => {
    const identity = await loggedIn({ ConnectionCache: { MaxConnections: 2 } });
    service.script = ({ body }) => {
      const { count } = JSON.parse(body) as { count: number };
      return ok({ value: Buffer.alloc(count, count).toString('base64url') });
    };
    expect(await identity.random(300)).toEqual(
      Buffer.concat([Buffer.alloc(128, 128), Buffer.alloc(128, 128), Buffer.alloc(44, 44)]),
    );
    service.script = () => ok({ value: 'AA' });
    await expect(identity.random(16)).rejects.toThrow(/1 bytes instead of 16/);
  });
});
