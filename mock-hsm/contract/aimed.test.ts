// @module-tag directory
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PoolConnection, role } from './pool-connection.ts';

// A mock in this process stands for a pool that somebody else runs and fills.
let pool: PoolConnection;
const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));
const running: ChildProcess[] = [];

beforeAll(async () => {
  pool = await PoolConnection.open({ servicePrincipals: ['owner'] });
  writeFileSync(join(folder, 'ca.pem'), pool.hsm.caPem);
  for (const each of [role.cryptoUser, role.cryptoOfficer]) await pool.assign(each, '/', owner().objectId);
  await pool.call('POST', '/keys/bystander/create', { token: await pool.token(owner()), body: { kty: 'EC-HSM' } });
});

afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await pool.close();
  rmSync(folder, { recursive: true });
});

function owner() {
  const found = pool.hsm.principals.owner;
  if (found === undefined) throw new Error('the mock has no principal owner');
  return found;
}

/** Runs the command line with the variables that a user sets. */
async function contract(...args: string[]) {
  const { admin, client, tenantId, url } = pool.hsm;
  const env = {
    PATH: process.env.PATH,
    NO_COLOR: '1',
    AZURE_TENANT_ID: tenantId,
    AZURE_CLIENT_ID: client.clientId,
    AZURE_CLIENT_SECRET: client.clientSecret,
    AZURE_AUTHORITY_HOST: url,
    MHSM_ADMIN_CLIENT_ID: admin.clientId,
    MHSM_ADMIN_CLIENT_SECRET: admin.clientSecret,
    NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
  };
  const program = join(import.meta.dirname, 'run.ts');
  const child = spawn(process.execPath, [program, '--against', url, '--settle', '0', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  const exit = once(child, 'exit');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await exit)[0], stdout, stderr };
}

/** All that a run could have changed, as its owner sees it. */
async function state() {
  const token = await pool.token(owner());
  const paths = ['/keys', '/deletedkeys', '/keys/bystander'].map((path) => pool.call('GET', path, { token }));
  const roles = ['roleAssignments', 'roleDefinitions'].map((each) =>
    pool.asAdmin('GET', `/providers/Microsoft.Authorization/${each}`),
  );
  return (await Promise.all([...paths, ...roles])).map(({ status, body }) => ({ status, body }));
}

/** Tests that stand in files beside others which need the mock. */
const heldAgainstAnyPool = [
  'http-forms.test.ts > ids and links > of versions stay below their key',
  'identity.test.ts > the challenge > guards delete',
  'identity.test.ts > the challenge answers > a good token with alg none',
  'identity.test.ts > the challenge answers > a token for another resource',
  'keys.test.ts > delete > a deleted key can be seen, recovered, deleted again and purged',
  'release.test.ts > release refuses > a target that is no token',
  'roles.test.ts > the granular approach: read at /keys, everything at one key',
  'rotation.test.ts > a key without a policy answers one that says nothing',
  'rotation.test.ts > a policy with Notify is BadParameter',
  'settings.test.ts > settings > are listed under their own word',
];

test('aimed at a pool with keys, the tests pass, say what they left out, and leave the pool as it was', async () => {
  const before = await state();
  expect(before.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);

  const { code, stdout, stderr } = await contract('--yes');
  expect({ code, stderr, stdout: code === 0 ? '' : stdout }).toEqual({ code: 0, stderr: '', stdout: '' });
  expect(stdout).toMatch(/^[1-9]\d+ passed, 0 failed, [1-9]\d+ skipped$/m);
  expect(stdout).toMatch(/^skipped, for the mock alone: \d+ of mock-hsm\/contract\/keys\.test\.ts: moves the clock$/m);
  expect(stdout).not.toContain('no reason given');
  for (const each of heldAgainstAnyPool) expect(stdout).toContain(`\u2713 mock-hsm/contract/${each}`);
  expect(await state()).toEqual(before);
}, 300_000);

test('it touches nothing without a yes', async () => {
  const before = await state();
  const { code, stdout, stderr } = await contract();
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('which costs money. Say --yes');
  expect(await state()).toEqual(before);
});

test('a client that has roles already is refused before anything is made', async () => {
  await pool.assign(role.cryptoUser, '/keys');
  const before = await state();
  const { code, stderr } = await contract('--yes', 'crypto');
  expect(code).toBe(1);
  expect(stderr).toContain('has role assignments; delete them first');
  expect(await state()).toEqual(before);
});
