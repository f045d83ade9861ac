// How a TypeScript test starts a Managed HSM of its own, and lets Azure's own clients work with it.
import { ClientSecretCredential, ManagedIdentityCredential } from '@azure/identity';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MockHsm, startMockHsm } from '../../mock-hsm/start.ts';

let hsm: MockHsm;

beforeAll(async () => {
  hsm = await startMockHsm({
    imdsPort: 0,
    seedDocument: {
      servicePrincipals: [{ name: 'shop' }],
      managedIdentities: [{ name: 'web', assigned: 'system' }],
      roleAssignments: [
        { role: 'Managed HSM Crypto User', principal: 'shop', scope: '/keys' },
        { role: 'Managed HSM Crypto User', principal: 'web', scope: '/keys/tls' },
      ],
      keys: [{ name: 'tls', kty: 'EC-HSM', crv: 'P-256' }],
    },
  });
});

afterAll(() => hsm.close());

test('a service principal signs with a key of the seed', async () => {
  const { shop } = hsm.principals;
  // Clients must trust the mock's CA, and get their tokens from the mock.
  const tlsOptions = { ca: hsm.caPem };
  const credential = new ClientSecretCredential(hsm.tenantId, shop?.clientId ?? '', shop?.clientSecret ?? '', {
    authorityHost: hsm.url,
    disableInstanceDiscovery: true,
    tlsOptions,
  });
  // At localhost there is no parent domain that the challenge could name.
  const options = { disableChallengeResourceVerification: true, tlsOptions };
  const keys = new KeyClient(hsm.url, credential, options);
  const crypto = new CryptographyClient(await keys.getKey('tls'), credential, options);
  const digest = Buffer.alloc(32, 1);
  const { result } = await crypto.sign('ES256', digest);
  expect(await crypto.verify('ES256', digest, result)).toMatchObject({ result: true });
});

test('a managed identity gets its token as on a virtual machine', async () => {
  process.env.AZURE_POD_IDENTITY_AUTHORITY_HOST = hsm.imdsUrl;
  const { token } = await new ManagedIdentityCredential().getToken('https://managedhsm.azure.net/.default');
  expect(token.split('.')).toHaveLength(3);
});
