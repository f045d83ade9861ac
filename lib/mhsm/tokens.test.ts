import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ok, PIN, type Reply, ScriptedService, SECRET } from './scripted-service.ts';

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

describe('tokens', () => {
  test('a token that the HSM refuses is replaced once', async () => {
    const identity = await service.loggedIn();
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
    await service.loggedIn();
    expect(secret).toBe(SECRET);
  });

  test('a log is told of a token, and of a client secret once the authority took it', async () => {
    const learnt: string[][] = [];
    const hsm = service.hsm({}, {}, { learnSecret: (...what) => learnt.push(what) });
    service.tokenScript = () => ({
      status: 401,
      json: { error: 'invalid_client', error_description: 'AADSTS7000215: no' },
    });
    await expect(hsm.identityOfPin(PIN).authenticate()).rejects.toEqual(code('CKR_PIN_INCORRECT'));
    expect(learnt).toEqual([]);
    service.reset();
    await hsm.identityOfPin(PIN).authenticate();
    expect(learnt).toContainEqual([SECRET, 'accepted']);
    expect(learnt).toContainEqual([expect.stringContaining('token'), 'token']);
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
    const error: unknown = await service.loggedIn().catch((reason: unknown) => reason);
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
    await expect(service.loggedIn({ timeouts: { requestMs: 2000 } })).rejects.toEqual(code('CKR_DEVICE_ERROR', hint));
  });

  test('while the token is valid the authority may be away', async () => {
    const clock = { ms: Date.now() };
    const identity = service.hsm({}, {}, { nowMs: () => clock.ms }).identityOfPin(PIN);
    await identity.authenticate();
    service.tokenScript = () => 'reset';
    clock.ms += 3500_000;
    expect(await identity.listKeys()).toEqual([]);
    expect(service.seen[0]?.authorization).toBe('Bearer token-1');
    // The refresh behind it and its repetition, so that neither comes in the next test.
    await vi.waitFor(() => expect(service.tokenRequests).toBe(3), { timeout: 10_000 });
  });

  test('an HSM that was not itself at first is asked again where tokens come from', async () => {
    const clock = { ms: Date.now() };
    const identity = service.hsm({}, {}, { nowMs: () => clock.ms }).identityOfPin(PIN);
    service.challengeScript = () => ({ status: 200, text: 'starting' });
    await expect(identity.authenticate()).rejects.toEqual(code('CKR_DEVICE_ERROR', /that of a Managed HSM/));
    service.challengeScript = () => service.challenge();
    clock.ms += 1000;
    await identity.authenticate();
    expect(await identity.listKeys()).toEqual([]);
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
