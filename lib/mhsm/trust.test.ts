import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { PIN, ScriptedService } from './scripted-service.ts';

let service: ScriptedService;
beforeAll(async () => {
  service = await ScriptedService.start();
});
afterEach(() => {
  vi.unstubAllEnvs();
  service.reset();
});
afterAll(() => service.stop());

const code = (name: string, hint?: RegExp) =>
  expect.objectContaining({
    line: expect.stringContaining(`(${name} `),
    ...(hint && { hint: expect.stringMatching(hint) }),
  });

describe('a server that is not to be trusted', () => {
  test('one whose certificate is not, gets nothing; the hint says what to set', async () => {
    const identity = service.hsm({ caFile: undefined }).identityOfPin(PIN);
    await expect(identity.authenticate()).rejects.toEqual(code('CKR_DEVICE_ERROR', /set caFile of tokens\[0\]/));
    expect(service).toMatchObject({ tokenRequests: 0, seen: [] });
  });

  test('no variable of the environment makes a certificate trusted', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const identity = service.hsm({ caFile: undefined }).identityOfPin(PIN);
    await expect(identity.authenticate()).rejects.toEqual(code('CKR_DEVICE_ERROR', /set caFile/));
    expect(service.seen).toEqual([]);
    // Nor the authority's, where the HSM's is not looked at.
    const top = { options: { DisableTLSAuthentication: true } };
    const unverified = service.hsm({ caFile: undefined }, top, { log: () => undefined });
    await expect(unverified.identityOfPin(PIN).authenticate()).rejects.toEqual(code('CKR_DEVICE_ERROR', /set caFile/));
    expect(service.tokenRequests).toBe(0);
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
