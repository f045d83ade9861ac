import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Az, type Listed, type Printed } from './az.ts';
import { Stage } from './stage.ts';

// Foreign programs start slowly on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-az-'));
const certificateFile = join(folder, 'operator.pem');
const identity = { name: 'web-server', objectId: '11111111-2222-4333-8444-555555555555' };
const operator = { name: 'operator', clientId: '21111111-2222-4333-8444-555555555555' };
const assignee = { name: 'offload', upn: 'TLSOffloadServicePrincipal@contoso.com', password: 'of-a-mock' };

let stage: Stage;
let admin: Az;

beforeAll(async () => {
  // One file with key and certificate, as az takes it.
  const subject = ['-subj', '/CN=operator', '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', certificateFile, '-out', `${certificateFile}.crt`], {
    stdio: 'pipe',
  });
  const pem = readFileSync(`${certificateFile}.crt`, 'utf8');
  execFileSync('sh', ['-c', 'cat "$1.crt" >> "$1"', 'sh', certificateFile]);
  stage = await Stage.open(443, {
    servicePrincipals: [{ ...operator, certificates: [{ pem }] }],
    managedIdentities: [{ ...identity, assigned: 'system' }],
    users: [assignee],
    roleAssignments: [{ role: 'Managed HSM Crypto Auditor', principal: identity.name, scope: '/keys' }],
  });
  admin = new Az(stage, 'admin');
  await admin.login('MHSM_ADMIN');
});

afterAll(async () => {
  await stage.close();
  rmSync(folder, { recursive: true });
});

const definition = <P = Printed>(command: string, ...args: readonly string[]) =>
  admin.run<P>('keyvault', 'role', 'definition', command, '--hsm-name', 'ContosoMHSM', ...args);

const assignment = (command: string, ...args: readonly string[]) =>
  admin.run('keyvault', 'role', 'assignment', command, '--hsm-name', 'ContosoMHSM', ...args);

/** Runs commands as Microsoft's guide to TLS offload has them. @returns what they print, parsed */
async function typed(script: string): Promise<Printed> {
  const { exitCode, stdout, stderr } = await admin.shell(script);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  return JSON.parse(stdout);
}

describe('the commands of the guide to TLS offload', () => {
  test('permissive: a role for a user by sign-in name, and for a managed identity by object id', async () => {
    const toUser = await typed(`az keyvault role assignment create --hsm-name ContosoMHSM \\
--role "Managed HSM Crypto User"  \\
--assignee TLSOffloadServicePrincipal@contoso.com  \\
--scope /keys`);
    expect(toUser).toMatchObject({
      roleName: 'Managed HSM Crypto User',
      principalName: assignee.upn,
      principalType: 'User',
      scope: '/keys',
    });
    const toIdentity = await typed(`az keyvault role assignment create --hsm-name ContosoMHSM \\
      --role "Managed HSM Crypto User"  \\
       --assignee-object-id ${identity.objectId}  \\
       --assignee-principal-type MSI \\
       --scope /keys`);
    expect(toIdentity).toMatchObject({ principalId: identity.objectId, principalType: 'ServicePrincipal' });
  });

  test('granular: a custom role that reads all keys, and a role on one key', async () => {
    const made = await typed(`az keyvault role definition create --hsm-name ContosoMHSM --role-definition '{ \\
"roleName": "TLS Library User Read Role", \\
"description": "Grant Read access to keys", \\
"actions": [], \\
"notActions": [], \\
"dataActions": ["Microsoft.KeyVault/managedHsm/keys/read/action"], \\
"notDataActions": [] \\
}'`);
    expect(made).toMatchObject({ roleName: 'TLS Library User Read Role', roleType: 'CustomRole' });
    const reading = await typed(`az keyvault role assignment create --hsm-name ContosoMHSM  \\
--role "TLS Library User Read Role"  \\
--assignee TLSOffloadServicePrincipal@contoso.com  \\
--scope /keys`);
    expect(reading).toMatchObject({ roleDefinitionId: made.id, scope: '/keys' });
    const using = await typed(`az keyvault role assignment create --hsm-name ContosoMHSM  \\
--role "Managed HSM Crypto User"  \\
--assignee TLSOffloadServicePrincipal@contoso.com  \\
--scope /keys/p11-6a2155dc40c94367a0f97ab452dc216f`);
    expect(using).toMatchObject({ scope: '/keys/p11-6a2155dc40c94367a0f97ab452dc216f' });
  });
});

test('az keyvault role definition create, update, show, list, delete', async () => {
  const dataActions = ['Microsoft.KeyVault/managedHsm/keys/sign/action'];
  const made = await definition('create', '--role-definition', JSON.stringify({ roleName: 'signer', dataActions }));
  const change = JSON.stringify({ name: made.name, roleName: 'signer', description: 'signs', dataActions });
  expect(await definition('update', '--role-definition', change)).toMatchObject({ id: made.id, description: 'signs' });
  expect(await definition('show', '--name', made.name)).toMatchObject({ roleName: 'signer', description: 'signs' });
  const custom = await definition<Listed[]>('list', '--custom-role-only');
  expect(custom.map(({ name }) => name)).toContain(made.name);
  await definition('delete', '--name', made.name);
  await expect(definition('show', '--name', made.name)).rejects.toThrow(/\(RoleDefinitionNotFound\)/);
});

test('az keyvault role assignment create, list, delete at each scope', async () => {
  for (const scope of ['/', '/keys', '/keys/some-key']) {
    const what = ['--role', 'Managed HSM Crypto Auditor', '--assignee', assignee.upn, '--scope', scope];
    const { name } = await assignment('create', ...what);
    const listed = await assignment('list', ...what);
    expect(listed).toMatchObject([
      { name, scope, principalName: assignee.upn, roleName: 'Managed HSM Crypto Auditor' },
    ]);
    await assignment('delete', ...what);
    expect(await assignment('list', ...what)).toEqual([]);
  }
});

test('az login --identity takes its token from IMDS, and the identity may do what its role says', async () => {
  const az = new Az(stage, 'identity');
  expect(await az.run('login', '--identity')).toMatchObject([{ user: { assignedIdentityInfo: 'MSI' } }]);
  expect(await az.run('keyvault', 'key', 'list', '--hsm-name', 'mypool')).toEqual([]);
  const create = az.run(
    'keyvault',
    'role',
    'definition',
    'delete',
    '--hsm-name',
    'mypool',
    '--name',
    operator.clientId,
  );
  await expect(create).rejects.toThrow(/\(AccessDenied\)/);
});

test('az login with a certificate', async () => {
  const az = new Az(stage, 'certificate');
  const tenant = ['--tenant', stage.variable('MHSM_TENANT_ID')];
  const who = ['--service-principal', '--username', operator.clientId, '--certificate', certificateFile];
  expect(await az.run('login', ...who, ...tenant)).toMatchObject([{ user: { name: operator.clientId } }]);
  await expect(az.run('keyvault', 'key', 'list', '--hsm-name', 'mypool')).rejects.toThrow(/\(AccessDenied\)/);
});

test('az login as a user with a password', async () => {
  const az = new Az(stage, 'user');
  const tenant = ['--tenant', stage.variable('MHSM_TENANT_ID')];
  const login = az.run('login', '--username', assignee.upn, '--password', assignee.password, ...tenant);
  expect(await login).toMatchObject([{ user: { name: assignee.upn, type: 'user' } }]);
  expect(await az.run('ad', 'signed-in-user', 'show')).toMatchObject({ userPrincipalName: assignee.upn });
  expect(await az.run('keyvault', 'key', 'list', '--hsm-name', 'mypool')).toEqual([]);
});

test('the pool is a resource of the subscription', async () => {
  const hsmUri = 'https://mypool.managedhsm.azure.net/';
  expect(await admin.run('keyvault', 'list', '--resource-type', 'hsm')).toMatchObject([{ name: 'mypool' }]);
  const shown = await admin.run('keyvault', 'show', '--hsm-name', 'mypool');
  expect(shown).toMatchObject({ properties: { hsmUri, provisioningState: 'Succeeded' } });
});

test('az keyvault setting list, show, update', async () => {
  const setting = (command: string, ...args: readonly string[]) =>
    admin.run('keyvault', 'setting', command, '--hsm-name', 'mypool', ...args);
  const name = 'AllowKeyManagementOperationsThroughARM';
  expect(await setting('list')).toMatchObject([{ name, value: 'false' }]);
  expect(await setting('update', '--name', name, '--value', 'true', '--type', 'boolean')).toMatchObject({
    value: 'true',
  });
  expect(await setting('show', '--name', name)).toMatchObject({ value: 'true' });
});

test('az keyvault backup start, restore start', async () => {
  const storage = ['--hsm-name', 'mypool', '--storage-account-name', 'store', '--blob-container-name', 'backups'];
  const token = ['--storage-container-SAS-token', 'sv=1&sig=x'];
  const { folderUrl } = await admin.run('keyvault', 'backup', 'start', ...storage, ...token);
  expect(folderUrl).toMatch(/^https:\/\/store\.blob\.core\.windows\.net\/backups\/mhsm-/);
  const folder = ['--backup-folder', folderUrl.split('/').at(-1) ?? ''];
  await admin.run('keyvault', 'restore', 'start', ...storage, ...token, ...folder);
});
