import { HttpResponse } from 'msw';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { HsmIdentity } from '../core/hsm.ts';
import { HSM, InterceptedAzure, json, VERSION } from './intercepted-azure.ts';

const azure = new InterceptedAzure();
beforeAll(() => azure.enable());
afterEach(() => azure.reset());
afterAll(() => azure.disable());

const bundle = { key: { kid: `${HSM}/keys/k/${VERSION}`, kty: 'RSA-HSM', key_ops: ['sign'], n: 'wA', e: 'AQAB' } };
const digest = new Uint8Array(32);
const lifetime = { enabled: true };
const newKey = { name: 'k', key: { kty: 'RSA', bits: 2048 }, operations: ['sign'], tags: {}, lifetime } as const;

interface Operation {
  ask: (identity: HsmIdentity) => Promise<unknown>;
  success: unknown;
  /** Whether nothing differs when it arrives twice. */
  repeatable: boolean;
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  list: { ask: (identity) => identity.listKeys({ fresh: true }), success: { value: [] }, repeatable: true },
  'list of versions': { ask: (identity) => identity.listVersions('k'), success: { value: [] }, repeatable: true },
  get: { ask: (identity) => identity.getKey('k'), success: bundle, repeatable: true },
  sign: {
    ask: (identity) => identity.sign('k', VERSION, 'RS256', digest),
    success: { value: 'AQID' },
    repeatable: true,
  },
  decrypt: {
    ask: (identity) => identity.decrypt('k', VERSION, 'RSA-OAEP', digest),
    success: { value: 'AQID' },
    repeatable: true,
  },
  random: { ask: (identity) => identity.random(3), success: { value: 'AQID' }, repeatable: true },
  create: { ask: (identity) => identity.createKey(newKey), success: bundle, repeatable: false },
  update: { ask: (identity) => identity.updateKey('k', VERSION, { tags: {} }), success: bundle, repeatable: false },
  delete: { ask: (identity) => identity.deleteKey('k'), success: bundle, repeatable: false },
};

const TRANSIENT = [408, 500, 502, 503, 504];
const FINAL = [300, 301, 307, 400, 402, 403, 404, 405, 409, 412, 413, 501, 505];

describe.each(Object.entries(OPERATIONS))('%s', (_name, { ask, success, repeatable }) => {
  test(`${repeatable ? 'is sent again' : 'is not sent again'} after a passing error`, async () => {
    const identity = await azure.loggedIn();
    for (const status of TRANSIENT) {
      azure.asked.length = 0;
      azure.answer = (_asked, nth) => (nth === 1 ? json({}, status) : json(success));
      const outcome = ask(identity);
      if (repeatable) await outcome;
      else await expect(outcome, String(status)).rejects.toThrow(` with ${status}`);
      expect(azure.asked, String(status)).toHaveLength(repeatable ? 2 : 1);
    }
  });

  test('is sent again when it was throttled: it was not served', async () => {
    const identity = await azure.loggedIn();
    azure.answer = (_asked, nth) => (nth === 1 ? json({}, 429, { 'retry-after': '0' }) : json(success));
    await ask(identity);
    expect(azure.asked).toHaveLength(2);
  });

  test('is not sent again after a lasting error', async () => {
    const identity = await azure.loggedIn();
    for (const status of FINAL) {
      azure.asked.length = 0;
      azure.answer = () => json({}, status);
      await expect(ask(identity), String(status)).rejects.toThrow(` with ${status}`);
      expect(azure.asked, String(status)).toHaveLength(1);
    }
  });

  test('is given up after five attempts', async () => {
    const identity = await azure.loggedIn();
    azure.answer = () => json({}, 429);
    await expect(ask(identity)).rejects.toThrow(' with 429');
    expect(azure.asked).toHaveLength(5);
  });
});

describe('Retry-After', () => {
  const sign = (identity: HsmIdentity) => identity.sign('k', VERSION, 'RS256', digest);
  const inAnHour = () => new Date(Date.now() + 3_600_000).toUTCString();

  test.each([
    ['seconds behind the deadline', () => '3600'],
    ['a date behind the deadline', inAnHour],
    ['a number beyond all', () => '9'.repeat(400)],
  ])('%s ends it at once, with what the service said', async (_what, header) => {
    const identity = await azure.loggedIn();
    azure.answer = () => json({ error: { code: 'Throttled', message: 'slowly' } }, 429, { 'retry-after': header() });
    await expect(sign(identity)).rejects.toThrow(/with 429 Throttled: slowly/);
    expect(azure.asked).toHaveLength(1);
  });

  test.each([
    ['a date that has passed', 'Thu, 01 Jan 1970 00:00:00 GMT'],
    ['zero', '0'],
    ['nonsense', 'soon'],
    ['a negative number', '-3600'],
  ])('%s keeps nobody waiting', async (_what, header) => {
    const identity = await azure.loggedIn();
    azure.answer = (_asked, nth) => (nth < 3 ? json({}, 503, { 'retry-after': header }) : json({ value: 'AQID' }));
    expect(await sign(identity)).toHaveLength(3);
    expect(azure.asked).toHaveLength(3);
  });
});

test('a redirect is not followed, whoever it leads to', async () => {
  const identity = await azure.loggedIn();
  for (const status of [301, 302, 303, 307, 308]) {
    azure.answer = () => new HttpResponse(null, { status, headers: { location: 'https://elsewhere.example/keys' } });
    const error = await identity.listKeys({ fresh: true }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      message: expect.stringContaining(` with ${status}`),
      hint: expect.stringMatching(/redirect/),
    });
  }
  expect(azure.strangers).toEqual([]);
});
