// @module-tag directory
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { MockHsm } from '../start.ts';
import { PoolConnection, role } from './pool-connection.ts';

const program = join(import.meta.dirname, '..', 'bin.ts');
const work = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

afterAll(() => rmSync(work, { recursive: true }));

function run(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  return child;
}

/** Runs until the ready line. */
async function start(...args: string[]) {
  const child = run(...args);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return { child, line: String(line), url: String(line).replace(/^ready /, '') };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const exit = once(child, 'exit');
  child.kill(signal);
  return (await exit)[0];
}

/** The environment file as a shell would read it. */
function environment(folder: string): Record<string, string> {
  const lines = readFileSync(join(folder, 'env'), 'utf8').trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => /^export (\w+)='([^']*)'$/.exec(line)?.slice(1) ?? [line, '']));
}

function connect(folder: string): PoolConnection {
  const env = environment(folder);
  const principal = (prefix: string) => ({
    name: prefix,
    clientId: env[`${prefix}_CLIENT_ID`] ?? '',
    clientSecret: env[`${prefix}_CLIENT_SECRET`] ?? '',
    objectId: env[`${prefix}_CLIENT_OBJECT_ID`] ?? '',
  });
  const hsm: MockHsm = {
    url: env.MHSM_URL ?? '',
    port: 0,
    caPem: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    tenantId: env.MHSM_TENANT_ID ?? '',
    admin: principal('MHSM_ADMIN'),
    client: principal('MHSM'),
    principals: {},
    close: async () => {},
  };
  return new PoolConnection(hsm);
}

test('it prints one line, writes ca.pem and env, and ends with 0 on SIGTERM', async () => {
  const folder = join(work, 'fresh');
  const { child, line, url } = await start('--data-dir', folder, '--service-principal', 'KEYGEN_1');
  expect(line).toMatch(/^ready https:\/\/localhost:\d+$/);
  const env = environment(folder);
  expect(env).toMatchObject({ MHSM_URL: url, MHSM_AUTHORITY_HOST: url });
  expect(Object.keys(env).sort()).toEqual([
    'MHSM_ADMIN_CLIENT_ID',
    'MHSM_ADMIN_CLIENT_SECRET',
    'MHSM_AUTHORITY_HOST',
    'MHSM_CLIENT_ID',
    'MHSM_CLIENT_OBJECT_ID',
    'MHSM_CLIENT_SECRET',
    'MHSM_KEYGEN_1_CLIENT_ID',
    'MHSM_KEYGEN_1_CLIENT_SECRET',
    'MHSM_KEYGEN_1_OBJECT_ID',
    'MHSM_TENANT_ID',
    'MHSM_URL',
  ]);
  for (const file of ['env', 'master.key', 'mock-hsm.db'])
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  const pool = connect(folder);
  expect(await pool.call('GET', '/keys')).toMatchObject({ status: 403 });
  await pool.close();
  expect(await stop(child, 'SIGTERM')).toBe(0);
});

test('what was acknowledged survives kill -9: identities, CA, keys, roles', async () => {
  const folder = join(work, 'kept');
  const first = await start('--data-dir', folder);
  const before = connect(folder);
  await before.assign(role.cryptoUser, '/keys');
  const { key } = (await before.call('POST', '/keys/kept/create', { body: { kty: 'EC-HSM', tags: { a: 'b' } } })).body;
  await before.close();
  await stop(first.child, 'SIGKILL');

  const second = await start('--data-dir', folder);
  const after = connect(folder);
  expect({ ...after.hsm, url: '', close: null }).toEqual({ ...before.hsm, url: '', close: null });
  const got = (await after.call('GET', '/keys/kept')).body;
  expect(got).toMatchObject({ key: { x: key.x, y: key.y }, tags: { a: 'b' } });
  const body = { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') };
  const signed = (await after.call('POST', '/keys/kept/sign', { body })).body;
  const question = { alg: 'ES256', digest: body.value, value: signed.value };
  expect((await after.call('POST', '/keys/kept/verify', { body: question })).body).toMatchObject({ value: true });
  await after.close();
  await stop(second.child, 'SIGTERM');
});

test('without --data-dir a private folder is used and removed at the end', async () => {
  const { child } = await start();
  const [line] = await once(createInterface({ input: child.stderr }), 'line');
  const folder = String(line).replace('mock-hsm: temporary data folder ', '');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(existsSync(join(folder, 'env'))).toBe(true);
  expect(await stop(child, 'SIGINT')).toBe(0);
  expect(existsSync(folder)).toBe(false);
});

describe('one clear line and exit code 1', () => {
  async function failure(...args: string[]) {
    const child = run(...args);
    const ended = once(child, 'exit');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: (await ended)[0], stdout, stderr };
  }

  test('when the port is in use', async () => {
    const { url } = await start();
    const { port } = new URL(url);
    const { code, stdout, stderr } = await failure('--port', port);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^mock-hsm: port ${port} of 127\\.0\\.0\\.1 is in use; .*\n$`));
  });

  test('when another process has the data folder', async () => {
    const folder = join(work, 'shared');
    await start('--data-dir', folder);
    const { code, stderr } = await failure('--data-dir', folder);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^mock-hsm: cannot open .*: another mock-hsm is using it; .*\n$/);
  });

  test('for a command that does not exist', async () => {
    const { code, stdout, stderr } = await failure('frobnicate');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe("error: unknown command 'frobnicate'; mock-hsm --help shows all commands\n");
  });

  test.each([
    ['--port', '70000'],
    ['--service-principal', 'lower'],
    ['--colour', 'red'],
  ])('for %s %s', async (option, value) => {
    const { code, stderr } = await failure(option, value);
    expect(code).toBe(1);
    expect(stderr).toContain(option);
  });
});
