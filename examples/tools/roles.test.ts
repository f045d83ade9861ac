// The commands that mhsm-p11 roles prints, run by the real az, and whether signing works afterwards.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Az } from '../../mock-hsm/clients/az.ts';
import { Stage } from '../../mock-hsm/clients/stage.ts';

// az starts slowly on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const KEY = 'tls-key';
const principal = (n: number) => ({
  name: `server-${n}`,
  clientId: `3111111${n}-2222-4333-8444-555555555555`,
  objectId: `4111111${n}-2222-4333-8444-555555555555`,
  secrets: [`secret-of-server-${n}`],
});
const [first, second] = [principal(1), principal(2)];
const machine = { name: 'web-server', objectId: '51111111-2222-4333-8444-555555555555' };

let stage: Stage;
let az: Az;

const program = (name: string) => join(import.meta.dirname, '../../node_modules/.bin', name);

beforeAll(async () => {
  stage = await Stage.open(443, {
    servicePrincipals: [first, second],
    managedIdentities: [{ ...machine, assigned: 'system' }],
  });
  const tenantId = stage.variable('MHSM_TENANT_ID');
  const token = { slotid: 0, resourceName: 'contosomhsm', caFile: stage.caFile, tenantId };
  writeFileSync(join(stage.folder, 'pkcs11.conf'), JSON.stringify({ tokens: [token] }));
  writeFileSync(join(stage.folder, 'data'), 'what is signed');
  az = new Az(stage, 'admin');
  await az.login('MHSM_ADMIN');
  const create = ['--EC', 'P-256', '--label', 'web', '--name', KEY];
  expect(await tool('mhsm_p11_create_key', create, stage.credentials('MHSM'))).toMatchObject({ exitCode: 0 });
});

afterAll(async () => {
  await stage?.close();
});

function tool(name: string, args: readonly string[], { AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = {}) {
  return stage.run(program(name), args, {
    MHSM_PKCS11_CONF: join(stage.folder, 'pkcs11.conf'),
    NODE_EXTRA_CA_CERTS: stage.caFile,
    MHSM_CLIENT_ID: AZURE_CLIENT_ID,
    MHSM_CLIENT_SECRET: AZURE_CLIENT_SECRET,
  });
}

const SIGN = ['sign', '--label', 'web', '--out', '/dev/null'];
const sign = (options: readonly string[], who: Record<string, string>) =>
  tool('mhsm-p11', [...SIGN, ...options, join(stage.folder, 'data')], who);
const as = ({ clientId, secrets: [secret = ''] }: typeof first) => ({
  AZURE_CLIENT_ID: clientId,
  AZURE_CLIENT_SECRET: secret,
});

async function runPrinted(...options: string[]): Promise<void> {
  const printed = await tool('mhsm-p11', ['roles', ...options]);
  expect(printed).toMatchObject({ exitCode: 0, stderr: '' });
  const { exitCode, stderr } = await az.shell(printed.stdout);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
}

describe('before the commands were run signing is refused, after them it works', () => {
  test.each([
    ['permissive, a service principal', ['--principal', first.objectId, '--approach', 'permissive'], [], as(first)],
    [
      'granular, a service principal',
      ['--principal', second.objectId, '--key', KEY, '--approach', 'granular'],
      [],
      as(second),
    ],
  ])('%s', async (_what, options, identity, who) => {
    expect(await sign(identity, who)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('AccessDenied') });
    await runPrinted(...options);
    expect(await sign(identity, who)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('permissive, a managed identity', async () => {
    expect(await sign(['--identity'], {})).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('AccessDenied'),
    });
    await runPrinted('--principal', machine.objectId, '--managed-identity', '--approach', 'permissive');
    expect(await sign(['--identity'], {})).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

test('both approaches are printed to choose from, with the name of the HSM from the configuration', async () => {
  const { stdout } = await tool('mhsm-p11', ['roles', '--principal', first.objectId, '--key', KEY]);
  expect(stdout).toMatch(/^# Choose one of the two\.\n/);
  expect(stdout).toContain('--hsm-name contosomhsm');
  const json = await tool('mhsm-p11', [
    'roles',
    '--principal',
    first.objectId,
    '--key',
    KEY,
    '--json',
    '--hsm',
    'other',
  ]);
  expect(JSON.parse(json.stdout)).toEqual({
    permissive: [expect.stringContaining('other')],
    granular: Array(3).fill(expect.anything()),
  });
});

test.each([
  [['--key', KEY], 'no principal was given'],
  [['--principal', 'x'], 'no key was given'],
  [['--principal', 'x', '--key', 'a/b'], '--key a/b is no name of a key'],
])('mhsm-p11 roles %j is refused', async (args, message) => {
  expect(await tool('mhsm-p11', ['roles', ...args])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(message),
  });
});
