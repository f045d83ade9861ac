import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Assembly, assemble } from '../assemble.ts';
import { createApp } from '../server.ts';
import type { App } from './call.ts';

let assembly: Assembly;
let app: App;

beforeAll(async () => {
  assembly = await assemble({ hostnames: ['*.hsm.test'] });
  app = createApp(assembly.service, await assembly.service.certificates.first());
});

afterAll(async () => {
  await app.close();
  await assembly.close();
});

async function listKeys(audience: string, host: string) {
  const { directory, tokens } = assembly.service;
  const subject = directory.ensureServicePrincipal('client');
  const { accessToken } = await tokens.issue({ subject, clientId: subject.clientId, proof: '1' }, audience);
  const headers = { host, authorization: `Bearer ${accessToken}` };
  return app.inject({ url: '/keys?api-version=7.4', headers });
}

test.each([
  ['https://management.azure.com', 'x.management.azure.com'],
  ['https://graph.microsoft.com', 'x.graph.microsoft.com'],
  ['https://microsoftonline.com', 'login.microsoftonline.com'],
])('a token for %s is refused, also for a request to the host %s', async (audience, host) => {
  const { statusCode, headers } = await listKeys(audience, host);
  expect(statusCode).toBe(401);
  expect(headers['www-authenticate']).toContain('resource="https://managedhsm.azure.net"');
});

test.each([
  ['https://managedhsm.azure.net', 'x.management.azure.com'],
  ['https://managedhsm.azure.net', 'x.hsm.test'],
  ['https://hsm.test', 'x.hsm.test'],
  ['https://managedhsm.azure.net:8443', 'x.managedhsm.azure.net:8443'],
])('a token for %s is taken by a request to the host %s, and then the role counts', async (audience, host) => {
  expect((await listKeys(audience, host)).statusCode).toBe(403);
});
