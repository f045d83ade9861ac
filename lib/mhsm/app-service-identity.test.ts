import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { InterceptedAzure } from './intercepted-azure.ts';

// MSAL finds out once a process where it runs: a file of its own.
const azure = new InterceptedAzure();
beforeAll(() => azure.enable());
afterAll(async () => {
  vi.unstubAllEnvs();
  await azure.reset();
  await azure.disable();
});

test('the managed identity of App Service is asked at its endpoint, with its header', async () => {
  vi.stubEnv('IDENTITY_ENDPOINT', 'http://127.0.0.1:41741/msi/token');
  vi.stubEnv('IDENTITY_HEADER', 'of-the-app');
  const { ownIdentity } = azure.hsm({ msi: { identityMSI: true, MSIClientID: 'mi-1' } });
  await ownIdentity?.authenticate();
  const [request] = azure.machineRequests;
  expect(request?.headers.get('x-identity-header')).toBe('of-the-app');
  const { origin, pathname, searchParams } = new URL(request?.url ?? '');
  expect(`${origin}${pathname}`).toBe('http://127.0.0.1:41741/msi/token');
  expect(Object.fromEntries(searchParams)).toEqual({
    'api-version': '2019-08-01',
    client_id: 'mi-1',
    resource: 'https://managedhsm.azure.net',
  });
});
