// @module-tag directory
import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MockHsm, startMockHsm } from '../start.ts';
import { PoolConnection } from './pool-connection.ts';

const tenantId = randomUUID();
const issuer = `https://login.microsoftonline.com/${tenantId}/v2.0`;
const [identity, stranger, application] = [randomUUID(), randomUUID(), randomUUID()];
let hsm: MockHsm;
let pool: PoolConnection;

beforeAll(async () => {
  hsm = await startMockHsm({
    imdsPort: 0,
    seedDocument: {
      tenantId,
      managedIdentities: [
        { name: 'trusted', clientId: identity, objectId: identity },
        { name: 'stranger', clientId: stranger },
      ],
      servicePrincipals: [
        { name: 'app', clientId: application, federatedCredentials: [{ issuer, subject: identity }] },
      ],
    },
  });
  pool = new PoolConnection(hsm);
});

afterAll(() => pool.close());

/** A token of a managed identity for the exchange. */
async function assertionOf(clientId: string): Promise<string> {
  const query = `api-version=2018-02-01&resource=api://AzureADTokenExchange&client_id=${clientId}`;
  const url = `${hsm.imdsUrl}/metadata/identity/oauth2/token?${query}`;
  const answer = await request(url, { headers: { Metadata: 'true' } });
  const { access_token } = (await answer.body.json()) as { access_token: string };
  return access_token;
}

const exchange = async (clientId: string) =>
  pool.askToken({
    grant_type: 'client_credentials',
    client_id: application,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await assertionOf(clientId),
    scope: 'https://managedhsm.azure.net/.default',
  });

test("a managed identity's token signs an application in that trusts this tenant's issuer", async () => {
  expect(await exchange(identity)).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
});

test('another identity of the same issuer does not', async () => {
  expect(await exchange(stranger)).toMatchObject({ status: 401, body: { error_codes: [700213] } });
});
