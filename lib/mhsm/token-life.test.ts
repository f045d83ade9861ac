import { HttpResponse } from 'msw';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HsmIdentity } from '../core/hsm.ts';
import { ENTRA, InterceptedAzure, json, TENANT, VERSION } from './intercepted-azure.ts';

const azure = new InterceptedAzure();
beforeAll(() => azure.enable());
afterEach(() => azure.reset());
afterAll(() => azure.disable());

const HOUR = 3_600_000;
/** More than the time between the start of the test's clock and the token. */
const MARGIN = 30_000;
const PIN = Buffer.from('client-1:s3cret');
const sign = (identity: HsmIdentity) => identity.sign('k', VERSION, 'RS256', new Uint8Array(32));
const signature = () => json({ value: 'AQID' });
const unauthorized = () => new HttpResponse(null, { status: 401, headers: { 'www-authenticate': azure.challenge } });

/** Takes what has one of these tokens; gives how often another one was shown. */
function accept(...tokens: readonly string[]): { refused: number } {
  const count = { refused: 0 };
  azure.answer = ({ token }) => {
    if (tokens.includes(token)) return signature();
    count.refused++;
    return unauthorized();
  };
  return count;
}

describe('one token for all', () => {
  test('a hundred who log in at once ask Entra ID once, and the HSM once where it is', async () => {
    const hsm = azure.hsm({ ConnectionCache: { Disable: true } });
    await Promise.all(Array.from({ length: 100 }, () => hsm.identityOfPin(PIN).authenticate()));
    expect([azure.tokensOf, azure.challenges]).toEqual([[TENANT], 1]);
  });

  test('principals have a token each, and one that is refused takes nothing from the others', async () => {
    const hsm = azure.hsm();
    const one = hsm.identityOfPin(PIN);
    await one.authenticate();
    azure.grant = () => json({ error: 'invalid_client', error_description: 'AADSTS7000215: wrong' }, 401);
    const other = hsm.identityOfPin(Buffer.from('client-2:wrong'));
    await expect(other.authenticate()).rejects.toThrow('AADSTS7000215');
    accept('token-1');
    expect(await sign(one)).toHaveLength(3);
    await expect(sign(other)).rejects.toThrow('AADSTS7000215');
  });
});

describe('a token that ends', () => {
  test('before a request is replaced first: the HSM never sees it', async () => {
    const clock = { ms: Date.now() };
    const identity = await azure.loggedIn({}, { nowMs: () => clock.ms });
    clock.ms += HOUR + MARGIN;
    const count = accept('token-2');
    await sign(identity);
    expect([count.refused, azure.tokensOf.length]).toEqual([0, 2]);
  });

  test('while requests wait for a connection is replaced once, and each of them is served', async () => {
    const identity = await azure.loggedIn();
    const count = accept('token-2');
    const signatures = await Promise.all(Array.from({ length: 20 }, () => sign(identity)));
    expect(signatures).toHaveLength(20);
    expect(azure.tokensOf).toHaveLength(2);
    expect(count.refused).toBe(20);
  });

  test('on its way to the HSM is replaced, and the request sent once more', async () => {
    const identity = await azure.loggedIn();
    accept('token-2');
    expect(await sign(identity)).toHaveLength(3);
    expect(azure.asked.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
  });

  test('and its successor too: the second refusal is told, and nobody asks again and again', async () => {
    const identity = await azure.loggedIn();
    accept();
    await expect(sign(identity)).rejects.toThrow(' with 401');
    expect([azure.asked.length, azure.tokensOf.length]).toEqual([2, 2]);
  });

  test('within a list is replaced between its pages', async () => {
    const identity = await azure.loggedIn();
    const pages = ['', 'two', 'three'];
    azure.answer = ({ token }, nth) => {
      if (nth === 2 && token === 'token-1') return unauthorized();
      const next = pages[nth === 1 ? 1 : nth - 1];
      return json({ value: [], ...(next && { nextLink: `https://myhsm.managedhsm.azure.net/keys?page=${next}` }) });
    };
    expect(await identity.listKeys()).toEqual([]);
    expect(azure.asked.map(({ token }) => token)).toEqual(['token-1', 'token-1', 'token-2', 'token-2']);
  });

  test('is replaced ahead of time, behind the back of who signs', async () => {
    const clock = { ms: Date.now() };
    const identity = await azure.loggedIn({}, { nowMs: () => clock.ms });
    accept('token-1', 'token-2');
    clock.ms += HOUR - 9 * 60_000;
    await sign(identity);
    expect(azure.asked[0]?.token).toBe('token-1');
    await vi.waitFor(async () => {
      await sign(identity);
      expect(azure.asked.at(-1)?.token).toBe('token-2');
    });
    expect(azure.tokensOf).toHaveLength(2);
  });

  test('cannot be replaced while Entra ID is away, which harms nobody until it has ended', async () => {
    const clock = { ms: Date.now() };
    const identity = await azure.loggedIn({}, { nowMs: () => clock.ms });
    accept('token-1');
    azure.grant = () => json({}, 400);
    clock.ms += HOUR - 60_000;
    for (let i = 0; i < 5; i++) await sign(identity);
    clock.ms += 60_000 + MARGIN;
    await expect(sign(identity)).rejects.toThrow(/no token for client client-1/);
  });
});

describe('a challenge that changes', () => {
  const challenge = (authority: string, resource: string) =>
    `Bearer authorization="${authority}", resource="${resource}"`;

  test('to another tenant is followed once the HSM refuses the old tokens', async () => {
    const identity = await azure.loggedIn();
    azure.challenge = challenge(`${ENTRA}/moved-tenant`, 'https://managedhsm.azure.net');
    accept('token-2');
    await sign(identity);
    expect(azure.tokensOf).toEqual([TENANT, 'moved-tenant']);
  });

  test('is not followed where the configuration names the tenant', async () => {
    const tokens = [{ slotid: 0, resourceName: 'myhsm', tenantId: TENANT }];
    const identity = await azure.loggedIn({ tokens });
    azure.challenge = challenge(`${ENTRA}/moved-tenant`, 'https://managedhsm.azure.net');
    accept('token-2');
    await sign(identity);
    expect(azure.tokensOf).toEqual([TENANT, TENANT]);
  });

  test.each([
    ['an authority of its own', challenge('https://evil.example/t', 'https://managedhsm.azure.net'), /evil\.example/],
    ['an authority in clear', challenge('http://login.microsoftonline.com/t', 'https://managedhsm.azure.net'), /http:/],
    ['a token for another service', challenge(`${ENTRA}/${TENANT}`, 'https://vault.azure.net'), /vault\.azure\.net/],
    ['nothing', 'Basic realm="x"', /no challenge/],
  ])('to %s is told, and nobody is asked for a token', async (_what, text, message) => {
    const identity = await azure.loggedIn();
    azure.challenge = text;
    accept('token-2');
    await expect(sign(identity)).rejects.toThrow(message);
    expect([azure.tokensOf.length, azure.strangers]).toEqual([1, []]);
  });
});
