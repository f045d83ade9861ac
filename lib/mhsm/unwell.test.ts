import { afterEach, expect, test } from 'vitest';
import { ok, ScriptedService } from './scripted-service.ts';

const services: ScriptedService[] = [];
const VERSION = '0'.repeat(32);
afterEach(async () => {
  for (const service of services.splice(0)) await service.stop();
});

async function loggedIn(requestMs: number) {
  const service = await ScriptedService.start();
  services.push(service);
  const identity = await service.loggedIn({ timeouts: { requestMs } });
  const sign = () => identity.sign('k', VERSION, 'ES256', new Uint8Array(32)).then(() => 'signed', String);
  return { service, sign };
}

test.each([429, 503])('in a storm of %d one request tries again, and those after it ask once each', async (status) => {
  const { service, sign } = await loggedIn(10_000);
  service.script = () => ({ status, json: {} });
  await sign();
  expect(service.seen).toHaveLength(5);
  for (let i = 0; i < 10; i++) expect(await sign()).toContain(`with ${status}`);
  expect(service.seen).toHaveLength(15);
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
