import { afterEach, expect, test, vi } from 'vitest';
import { ok, ScriptedService } from './scripted-service.ts';

const services: ScriptedService[] = [];
const VERSION = '0'.repeat(32);
afterEach(async () => {
  vi.useRealTimers();
  for (const service of services.splice(0)) await service.stop();
});

async function loggedIn(requestMs: number) {
  const service = await ScriptedService.start();
  services.push(service);
  const identity = await service.loggedIn({ timeouts: { requestMs } });
  const sign = () => identity.sign('k', VERSION, 'ES256', new Uint8Array(32)).then(() => 'signed', String);
  return { service, sign, identity };
}

/** A storm of refusals to signatures, of which the last was told a moment ago. */
async function stormy(status: number) {
  // The moment lasts as long as the test, however busy the machine is.
  vi.useFakeTimers({ toFake: ['performance'] });
  const { service, sign, identity } = await loggedIn(10_000);
  service.script = () => ({ status, json: {} });
  await sign();
  expect(service.seen).toHaveLength(5);
  service.seen.length = 0;
  return { service, sign, identity };
}

test.each([429, 503])('a key list is worth the wait also while signatures are refused with %d', async (status) => {
  const { service, identity } = await stormy(status);
  service.script = (_seen, nth) => (nth === 1 ? { status, json: {} } : ok({ value: [] }));
  expect(await identity.listKeys()).toEqual([]);
  expect(service.seen).toHaveLength(2);
});

test('a key list that is refused for good keeps no signature from trying again', async () => {
  const { service, sign, identity } = await loggedIn(10_000);
  service.script = () => ({ status: 429, json: {} });
  await expect(identity.listKeys()).rejects.toThrow(/429/);
  service.seen.length = 0;
  service.script = (_seen, nth) => (nth === 1 ? { status: 503, json: {} } : ok({ value: 'AQID' }));
  expect(await sign()).toBe('signed');
});

test.each([429, 503])('in a storm of %d one request tries again, and those after it ask once each', async (status) => {
  const { service, sign } = await stormy(status);
  for (let i = 0; i < 10; i++) expect(await sign()).toContain(`with ${status}`);
  expect(service.seen).toHaveLength(10);
});

test('a service that is silent to everybody costs one deadline, and is used again when it answers', async () => {
  const { service, sign } = await loggedIn(2500);
  service.script = () => 'hang';
  expect(await sign()).toContain('did not answer in time');
  const asked = service.seen.length;
  for (let i = 0; i < 10; i++) expect(await sign()).toContain('did not answer in time');
  expect(service.seen).toHaveLength(asked);
  service.script = () => ok({ value: 'AQID' });
  await expect.poll(sign, { timeout: 20_000 }).toBe('signed');
});
