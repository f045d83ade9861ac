import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ok, PIN, type Reply, refusal, ScriptedService } from './scripted-service.ts';

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

describe('signing', () => {
  const signature = ok({ value: 'AQID' });

  test('is one request, on the connection that is there, with the token that is there', async () => {
    const identity = await service.loggedIn();
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
    const identity = await service.loggedIn({ ConnectionCache: { Disable: true } });
    service.script = () => signature;
    const before = service.connections;
    for (let i = 0; i < 3; i++) await identity.sign('k', VERSION, 'RS256', new Uint8Array(32));
    expect(service.connections).toBe(before + 3);
  });

  test('survives a connection that the service closed while idle', async () => {
    const identity = await service.loggedIn();
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
    const identity = await service.loggedIn();
    service.script = (_seen, nth) => (nth === 1 ? trouble : signature);
    expect(await identity.sign('k', VERSION, 'ES256', new Uint8Array(32))).toHaveLength(3);
    expect(service.seen).toHaveLength(2);
  });

  test('is not repeated when Retry-After lies behind the deadline', async () => {
    const identity = await service.loggedIn();
    service.script = () => ({ status: 429, headers: { 'retry-after': '3600' } });
    await expect(identity.sign('k', VERSION, 'ES256', new Uint8Array(32))).rejects.toEqual(code('CKR_DEVICE_ERROR'));
    expect(service.seen).toHaveLength(1);
  });

  test('fails at the deadline when no answer comes, and so do those who wait for the connection', async () => {
    const identity = await service.loggedIn({ timeouts: { requestMs: 1500 } });
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
      /az keyvault .*--hsm-name localhost --role "Managed HSM Crypto User".*--scope \/keys\/k$/,
    ],
    ['disabled', refusal(403, 'Forbidden', 'x', 'KeyDisabled'), 'CKR_KEY_FUNCTION_NOT_PERMITTED', /--enabled true/],
    ['expired', refusal(403, 'Forbidden', 'x', 'KeyExpired'), 'CKR_KEY_FUNCTION_NOT_PERMITTED', /--expires/],
    ['gone', refusal(404, 'KeyNotFound', 'x'), 'CKR_KEY_HANDLE_INVALID', /mhsm_p11_list_keys/],
    ['redirected', { status: 302, headers: { location: 'https://elsewhere.example' } }, 'CKR_DEVICE_ERROR', /redirect/],
    ['answered by a proxy', { status: 200, text: '<html>' }, 'CKR_DEVICE_ERROR', /proxy/],
    ['answered with nothing', ok({}), 'CKR_DEVICE_ERROR', /proxy/],
  ])('fails when %s, with a code and a hint', async (_what, reply, name, hint) => {
    const identity = await service.loggedIn();
    service.script = () => reply;
    await expect(identity.sign('k', VERSION, 'ES256', new Uint8Array(32))).rejects.toEqual(code(name, hint));
    expect(service.seen).toHaveLength(1);
  });

  test("a refusal carries the service's sentence, in the same words each time", async () => {
    const identity = await service.loggedIn();
    service.script = () => refusal(403, 'AccessDenied', 'not authorized\nto sign');
    const fail = () => identity.sign('k', VERSION, 'ES256', new Uint8Array(32)).catch((error: Error) => error.message);
    expect(await fail()).toBe(
      `${service.url} refused sign k for client client-1 with 403 AccessDenied: not authorized to sign`,
    );
    expect(await fail()).toBe(await fail());
  });
});
