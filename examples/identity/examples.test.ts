import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mustRun, waitFor } from '../../demo/process.ts';
import { MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';
import { type Finished, Stage } from '../../mock-hsm/clients/stage.ts';

/**
 * The files of this folder as they are: the mock is where Azure's names lead to, its metadata service at the address of
 * the real one, so that nothing in them is for tests.
 */

const TENANT = '6f0d1a52-0000-4000-8000-00000000000a';
const USER_ASSIGNED = '6f0d1a52-0000-4000-8000-000000000001';
const CERTIFIED = '6f0d1a52-0000-4000-8000-000000000002';
const SHOP = '6f0d1a52-0000-4000-8000-000000000003';
const POD = '6f0d1a52-0000-4000-8000-000000000004';
const ISSUER = 'https://kubernetes.example/';
const SUBJECT = 'system:serviceaccount:web:nginx';

/** Who may sign with which key; all may read all. */
const KEY_OF = { client: 'pin', machine: 'machine', signer: 'bank', certified: 'certified', shop: 'shop', pod: 'pod' };

let folder: string;
let stage: Stage;
const issuer = generateKeyPairSync('rsa', { modulusLength: 2048 });
const file = (name: string) => join(folder, name);

function seed(clientCertificate: string) {
  const publicKey = issuer.publicKey.export({ type: 'spki', format: 'pem' });
  const federated = { issuer: ISSUER, subject: SUBJECT, publicKey };
  return {
    tenantId: TENANT,
    servicePrincipals: [
      { name: 'certified', clientId: CERTIFIED, certificates: [{ pem: clientCertificate }] },
      { name: 'shop', clientId: SHOP, secrets: ['secret-of-the-shop'] },
      { name: 'pod', clientId: POD, federatedCredentials: [federated] },
    ],
    managedIdentities: [
      { name: 'machine', assigned: 'system' },
      { name: 'signer', clientId: USER_ASSIGNED },
    ],
    keys: Object.values(KEY_OF).map((name) => ({ name, kty: 'EC-HSM', crv: 'P-256', key_ops: ['sign', 'verify'] })),
    roleDefinitions: [
      { roleName: 'Reader', description: 'reads', dataActions: ['Microsoft.KeyVault/managedHsm/keys/read/action'] },
    ],
    roleAssignments: Object.entries(KEY_OF).flatMap(([principal, key]) => [
      { role: 'Reader', principal, scope: '/keys' },
      { role: 'Managed HSM Crypto User', principal, scope: `/keys/${key}` },
    ]),
  };
}

const configuration = (name: string) => join(import.meta.dirname, `${name}.conf`);

function pkcs11Tool(
  conf: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Finished> {
  return stage.run('pkcs11-tool', ['--module', MODULE, ...args], {
    MHSM_PKCS11_CONF: configuration(conf),
    NODE_EXTRA_CA_CERTS: file('ca.pem'),
    ...MODULE_ENVIRONMENT,
    ...environment,
  });
}

/** CKA_ID by label: pkcs11-tool signs with nothing else. */
const ids = new Map<string, string>();

async function readIds(): Promise<void> {
  const { stdout, stderr } = await stage.run('mhsm_p11_list_keys', ['--json'], {
    MHSM_PKCS11_CONF: configuration('managed-identity'),
    NODE_EXTRA_CA_CERTS: file('ca.pem'),
  });
  if (stdout === '') throw new Error(stderr);
  for (const { label, id } of JSON.parse(stdout) as { label: string; id: string }[]) ids.set(label, id);
}

/** Signs with a key; gives what went wrong. */
async function sign(conf: string, label: string, args: readonly string[], environment: Record<string, string> = {}) {
  const files = ['--input-file', file('digest'), '--output-file', file('signature')];
  const all = ['--sign', '--mechanism', 'ECDSA', '--id', ids.get(label) ?? '', ...files, ...args];
  const { exitCode, stderr } = await pkcs11Tool(conf, all, environment);
  return exitCode === 0 ? '' : stderr;
}

const withPin = () => ({
  args: ['--login', '--pin', 'env:PIN'],
  environment: { PIN: `${stage.variable('MHSM_CLIENT_ID')}:${stage.variable('MHSM_CLIENT_SECRET')}` },
});

async function federatedToken(subject = SUBJECT): Promise<void> {
  const jwt = new SignJWT().setIssuer(ISSUER).setSubject(subject).setAudience('api://AzureADTokenExchange');
  const signed = jwt.setIssuedAt().setExpirationTime('1h').setJti(randomUUID()).setProtectedHeader({ alg: 'RS256' });
  writeFileSync(file('token'), await signed.sign(issuer.privateKey));
}

const pod = () => ({
  AZURE_CLIENT_ID: POD,
  AZURE_TENANT_ID: TENANT,
  AZURE_FEDERATED_TOKEN_FILE: file('token'),
  AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/',
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-identity-'));
  // What the agent reads later it reads as its own user.
  chmodSync(folder, 0o755);
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', file('client.key'), '-out', file('client.crt')];
  await mustRun('openssl', ['req', '-x509', '-subj', '/CN=certified', '-days', '2', ...key]);
  const certificate = readFileSync(file('client.crt'), 'utf8');
  writeFileSync(file('client.pem'), `${certificate}${readFileSync(file('client.key'), 'utf8')}`);
  writeFileSync(file('digest'), Buffer.alloc(32, 7));
  stage = await Stage.open(443, seed(certificate));
  copyFileSync(stage.caFile, file('ca.pem'));
  const place = 'mount -t tmpfs -o mode=0700 tmpfs /etc/ssl/private && cp "$1" /etc/ssl/private/mhsm-client.pem';
  expect(await stage.run('sh', ['-c', place, 'sh', file('client.pem')])).toMatchObject({ exitCode: 0 });
  await readIds();
});

/** The launchers and agents of this folder's files: they would wait for callers in a network that is gone. */
async function agents(): Promise<number[]> {
  const { stdout } = await mustRun('ps', ['-eo', 'pid=,args=']);
  const own = stdout
    .split('\n')
    .filter((line) => line.includes(`${import.meta.dirname}/`) && /agent\.cjs|launcher/.test(line));
  return own.map((line) => Number(/\d+/.exec(line)?.[0]));
}

afterAll(async () => {
  for (const pid of await agents()) process.kill(pid, 'SIGTERM');
  await waitFor('the end of the agents', async () => ((await agents()).length === 0 ? true : undefined));
  await stage?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('service-principal.conf: the PIN says who it is, and its rights are its own', async () => {
  const { args, environment } = withPin();
  expect(await sign('service-principal', 'pin', args, environment)).toBe('');
  expect(await sign('service-principal', 'shop', args, environment)).toMatch(/with 403 AccessDenied/);
  const wrong = { PIN: `${stage.variable('MHSM_CLIENT_ID')}:wrong` };
  expect(await sign('service-principal', 'pin', args, wrong)).toMatch(/PIN_INCORRECT/);
});

describe.each([
  ['managed-identity', 'machine', {}],
  ['user-assigned-identity', 'bank', {}],
  ['client-certificate', 'certified', {}],
])('%s.conf', (conf, label) => {
  test('signs without a PIN, and no login is asked for', async () => {
    expect(await sign(conf, label, [])).toBe('');
    expect((await pkcs11Tool(conf, ['-L'])).stdout).not.toMatch(/login required/);
  });

  test('a PIN is ignored: it is neither refused nor does it lend its rights', async () => {
    expect(await sign(conf, label, ['--login', '--pin', 'env:PIN'], { PIN: 'nobody:nothing' })).toBe('');
    const { args, environment } = withPin();
    expect(await sign(conf, 'pin', args, environment)).toMatch(/with 403 AccessDenied/);
  });
});

test('several-principals.conf: each slot has its own', async () => {
  const conf = 'several-principals';
  const { args, environment } = withPin();
  const slots = (await pkcs11Tool(conf, ['-L'])).stdout;
  expect(slots.match(/login required/g)).toHaveLength(1);
  expect(await sign(conf, 'pin', ['--slot', '0', ...args], environment)).toBe('');
  expect(await sign(conf, 'shop', ['--slot', '1'])).toBe('');
  expect(await sign(conf, 'bank', ['--slot', '2'])).toBe('');
  expect(await sign(conf, 'bank', ['--slot', '1'])).toMatch(/with 403 AccessDenied/);
  expect(await sign(conf, 'shop', ['--slot', '2'])).toMatch(/with 403 AccessDenied/);
});

describe('workload-identity.conf', () => {
  test('the federated token is read anew for each access token', async () => {
    await federatedToken();
    expect(await sign('workload-identity', 'pod', [], pod())).toBe('');
    await federatedToken('system:serviceaccount:web:other');
    const revoke = [
      '--cacert',
      file('ca.pem'),
      '--json',
      '{"revoke":true}',
      'https://mypool.managedhsm.azure.net/mock/tokens',
    ];
    expect(await stage.run('curl', ['-fsS', ...revoke])).toMatchObject({ exitCode: 0 });
    expect(await sign('workload-identity', 'pod', [], pod())).toMatch(/AADSTS700213/);
    await federatedToken();
    await waitFor('the renewed token', async () =>
      (await sign('workload-identity', 'pod', [], pod())) === '' ? true : undefined,
    );
  });

  test('managed-identity.conf in a pod is its workload identity', async () => {
    await federatedToken();
    const { exitCode, stdout } = await stage.run('mhsm_p11_list_keys', [], {
      ...pod(),
      MHSM_PKCS11_CONF: configuration('managed-identity'),
      NODE_EXTRA_CA_CERTS: file('ca.pem'),
    });
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/machine/) });
  });
});

test('a program asks for no MHSM_CLIENT_ID where the slot has a credential', async () => {
  const { exitCode, stderr } = await stage.run('mhsm_p11_list_keys', [], {
    MHSM_PKCS11_CONF: configuration('client-certificate'),
    NODE_EXTRA_CA_CERTS: file('ca.pem'),
  });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});
