// @module-tag directory
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Agent, request } from 'undici';
import { afterAll, afterEach, expect, test } from 'vitest';
import { credentialsForm } from './pool-connection.ts';

const program = join(import.meta.dirname, '..', 'bin.ts');
const work = mkdtempSync(join(tmpdir(), 'mock-hsm-commands-'));
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

afterAll(() => rmSync(work, { recursive: true }));

function spawned(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } });
  running.push(child);
  return child;
}

/** Runs a command to its end. */
async function run(args: readonly string[], options: { input?: string; env?: Record<string, string> } = {}) {
  const child = spawned(args, options.env);
  child.stdin.end(options.input ?? '');
  const ended = once(child, 'exit');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await ended)[0], stdout, stderr };
}

async function serve(folder: string) {
  const child = spawned(['--data-dir', folder]);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return String(line).replace(/^ready /, '');
}

/** The status of a token request, and of a list of keys with that token. */
async function signIn(folder: string, url: string, tenantId: string, clientId: string, secret: string) {
  const agent = new Agent({ connect: { ca: readFileSync(join(folder, 'ca.pem'), 'utf8') } });
  const asked = await request(`${url}/${tenantId}/oauth2/v2.0/token`, {
    dispatcher: agent,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(credentialsForm(clientId, secret)).toString(),
  });
  const { access_token: token } = (await asked.body.json()) as { access_token?: string };
  const headers = { authorization: `Bearer ${token}` };
  const listed = await request(`${url}/keys?api-version=7.4`, { dispatcher: agent, headers });
  await listed.body.dump();
  await agent.close();
  return [asked.statusCode, listed.statusCode];
}

test('what is added before the start is there after it', async () => {
  const folder = join(work, 'before');
  const env = { MOCK_HSM_DATA_DIR: folder, KEYGEN_SECRET: 'secret-of-keygen' };
  const added = await run(['add', 'service-principal', 'keygen', '--secret-from', 'env:KEYGEN_SECRET'], { env });
  expect(added.code).toBe(0);
  expect(added.stdout).not.toContain('secret-of-keygen');
  const { clientId, objectId, tenantId } = JSON.parse(added.stdout);
  expect((await run(['add', 'group', 'key-users', '--member', 'keygen'], { env })).code).toBe(0);
  const assigned = await run(['assign-role', 'Managed HSM Crypto User', 'key-users', '--scope', '/keys'], { env });
  expect(assigned).toMatchObject({ code: 0, stdout: '' });
  const again = await run(['assign-role', 'Managed HSM Crypto User', 'key-users', '--scope', '/keys'], { env });
  expect(again).toEqual({ code: 0, stdout: '', stderr: 'mock-hsm: nothing to change\n' });

  const { stdout: list } = await run(['list', 'principals', '--json'], { env });
  expect(JSON.parse(list).groups).toMatchObject([{ name: 'key-users', members: ['keygen'] }]);
  const url = await serve(folder);
  expect(await signIn(folder, url, tenantId, clientId, 'secret-of-keygen')).toEqual([200, 200]);
  expect(readFileSync(join(folder, 'env'), 'utf8')).toContain(`MHSM_KEYGEN_OBJECT_ID='${objectId}'`);
});

test('a seed file with a tenant is applied to a new folder, again without a change, and not over another tenant', async () => {
  const at = ['--data-dir', join(work, 'seeded')];
  const seed = join(import.meta.dirname, '..', '..', 'examples', 'mock-hsm', 'seed.yaml');
  const applied = await run(['apply', seed, ...at]);
  expect(applied).toMatchObject({ code: 0, stderr: expect.stringContaining('mock-hsm: key tls-rsa added\n') });
  const { stdout: list } = await run(['list', 'principals', '--json', ...at]);
  expect(JSON.parse(list).tenantId).toBe('5c9a3c5e-7e8f-4b1a-9f0d-2f6a1f0c7b11');
  expect(await run(['apply', seed, ...at])).toEqual({ code: 0, stdout: '', stderr: 'mock-hsm: nothing to change\n' });
  const other = join(work, 'other-tenant.yaml');
  writeFileSync(other, 'tenantId: 11111111-1111-4111-8111-111111111111');
  const refused = await run(['apply', other, ...at]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^mock-hsm: command line: the tenant is 5c9a3c5e-.* already, it cannot be 1111.*\n$/);
});

test('a server that runs takes additions and removals at once', async () => {
  const folder = join(work, 'while');
  const at = ['--data-dir', folder];
  const url = await serve(folder);
  const added = await run(['add', 'service-principal', 'app', ...at]);
  const { clientId, clientSecret, tenantId, secrets } = JSON.parse(added.stdout);
  expect(await signIn(folder, url, tenantId, clientId, clientSecret)).toEqual([200, 403]);

  const second = await run(['add', 'secret', 'app', '--secret-from', 'stdin', ...at], { input: 'the-second\n' });
  expect(second.stdout).not.toContain('the-second');
  expect(await signIn(folder, url, tenantId, clientId, 'the-second')).toEqual([200, 403]);
  expect((await run(['remove', 'secret', 'app', secrets[0].keyId, ...at])).code).toBe(0);
  expect(await signIn(folder, url, tenantId, clientId, clientSecret)).toEqual([401, 401]);
  expect(await signIn(folder, url, tenantId, clientId, 'the-second')).toEqual([200, 403]);
});

test('what cannot be ends with 1 and one line that says why', async () => {
  const at = ['--data-dir', join(work, 'wrong')];
  const role = await run(['assign-role', 'Boss', 'client', ...at]);
  expect(role.code).toBe(1);
  expect(role.stderr).toMatch(/^mock-hsm: command line: there is no role Boss; there are: Managed HSM .*\n$/);
  const folder = await run(['list', 'principals', '--data-dir', join(work, 'none')]);
  expect(folder.stderr).toMatch(/^mock-hsm: .*none is no data folder.*\n$/);
  const forgotten = await run(['add', 'group', 'g']);
  expect([forgotten.code, forgotten.stderr]).toEqual([1, expect.stringContaining('--data-dir')]);
});

test('the help of the program shows every command and option of serving, with examples', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const word of [
    'add',
    'remove',
    'assign-role',
    'apply',
    'list',
    '--seed-file',
    '--imds-port',
    'mock-hsm add user',
  ]) {
    expect(stdout).toContain(word);
  }
});
