// @module-tag directory
// The credentials of @azure/identity, unmodified, against the mock's Entra ID. Each gets a token that lists keys.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ClientAssertionCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  DeviceCodeCredential,
  type TokenCredential,
  UsernamePasswordCredential,
  WorkloadIdentityCredential,
} from '@azure/identity';
import { decodeJwt, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type MockHsm, startMockHsm } from '../start.ts';
import { makeAuthority } from '../tls/certificate-authority.ts';
import { PoolConnection } from './pool-connection.ts';

const scope = 'https://managedhsm.azure.net/.default';
const clientId = randomUUID();
const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-credentials-'));
const issuer = generateKeyPairSync('rsa', { modulusLength: 2048 });
let hsm: MockHsm;
let pool: PoolConnection;

beforeAll(async () => {
  const certificate = await makeAuthority(new Date());
  writeFileSync(join(folder, 'app.pem'), certificate.keyPem + certificate.certPem);
  writeFileSync(join(folder, 'token'), await issuerToken());
  const publicKey = issuer.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  hsm = await startMockHsm({
    seedDocument: {
      servicePrincipals: [
        {
          name: 'app',
          clientId,
          secrets: ['s'],
          certificates: [{ pem: certificate.certPem }],
          federatedCredentials: [{ issuer: 'https://kubernetes.test', subject: 'pod', publicKey }],
        },
      ],
      users: [{ name: 'alice', upn: 'alice@contoso.test', password: 'p' }],
      groups: [{ name: 'key-users', members: ['app', 'alice'] }],
      roleAssignments: [{ role: 'Managed HSM Crypto User', principal: 'key-users', scope: '/keys' }],
    },
  });
  pool = new PoolConnection(hsm);
});

afterAll(async () => {
  await pool.close();
  rmSync(folder, { recursive: true });
});

function issuerToken(): Promise<string> {
  const claims = { iss: 'https://kubernetes.test', sub: 'pod', aud: 'api://AzureADTokenExchange' };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: 'k' })
    .setExpirationTime('1h')
    .sign(issuer.privateKey);
}

/** All that a client has to be told of a mock. */
const options = () => ({ authorityHost: hsm.url, disableInstanceDiscovery: true, tlsOptions: { ca: hsm.caPem } });

async function approve(userCode: string): Promise<void> {
  await pool.call('POST', '/mock/devicelogin', { token: null, body: { userCode, user: 'alice' } });
}

const credentials: Record<string, () => TokenCredential> = {
  ClientSecretCredential: () => new ClientSecretCredential(hsm.tenantId, clientId, 's', options()),
  ClientCertificateCredential: () =>
    new ClientCertificateCredential(hsm.tenantId, clientId, { certificatePath: join(folder, 'app.pem') }, options()),
  'ClientCertificateCredential with its chain': () =>
    new ClientCertificateCredential(
      hsm.tenantId,
      clientId,
      { certificatePath: join(folder, 'app.pem') },
      { ...options(), sendCertificateChain: true },
    ),
  ClientAssertionCredential: () => new ClientAssertionCredential(hsm.tenantId, clientId, issuerToken, options()),
  WorkloadIdentityCredential: () =>
    new WorkloadIdentityCredential({
      tenantId: hsm.tenantId,
      clientId,
      tokenFilePath: join(folder, 'token'),
      ...options(),
    }),
  UsernamePasswordCredential: () =>
    new UsernamePasswordCredential(hsm.tenantId, azureCli, 'alice@contoso.test', 'p', options()),
  DeviceCodeCredential: () =>
    new DeviceCodeCredential({
      tenantId: hsm.tenantId,
      clientId: azureCli,
      userPromptCallback: ({ userCode }) => void approve(userCode),
      ...options(),
    }),
};

test.each(Object.entries(credentials))('%s gets a token that lists keys', async (_name, make) => {
  const answer = await make().getToken(scope);
  const token = answer?.token ?? '';
  expect(await pool.call('GET', '/keys', { token })).toMatchObject({ status: 200 });
});

test('a signed-in user gets further tokens without being asked again', async () => {
  let prompts = 0;
  const credential = new DeviceCodeCredential({
    tenantId: hsm.tenantId,
    clientId: azureCli,
    userPromptCallback: ({ userCode }) => {
      prompts += 1;
      void approve(userCode);
    },
    ...options(),
  });
  await credential.authenticate(scope);
  const { token } = await credential.getToken('https://graph.microsoft.com/.default');
  expect(decodeJwt(token)).toMatchObject({ aud: 'https://graph.microsoft.com', upn: 'alice@contoso.test' });
  expect(prompts).toBe(1);
});
