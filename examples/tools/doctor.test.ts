// mhsm-p11 doctor: each trouble has its line, and what to do about it; the rest is looked at all the same.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BIN, type CreatedKey, Offload } from '../../demo/offload.ts';
import { mustRun, runProgram } from '../../demo/process.ts';

interface Finding {
  check: string;
  outcome: 'good' | 'warning' | 'failed' | 'skipped';
  text: string;
  todo?: string;
}

let folder: string;
let offload: Offload;
let web: CreatedKey;
let other: CreatedKey;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-doctor-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
  web = await offload.createKey('--EC', 'P-256', '--label', 'web');
  other = await offload.createKey('--RSA', '2K', '--label', 'other', '--expires', '2020-01-01');
  await offload.grantUse(web);
});

beforeEach(() => offload.writeConfiguration());

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As the server: the principal that may read all keys and sign with one. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const { clientId, clientSecret } = offload.mock.offload;
  return { ...offload.toolEnvironment, MHSM_CLIENT_ID: clientId, MHSM_CLIENT_SECRET: clientSecret };
}

const doctor = (args: readonly string[], env: NodeJS.ProcessEnv = serverEnvironment()) =>
  runProgram(join(BIN, 'mhsm-p11'), ['doctor', ...args], { env });

async function examine(args: readonly string[] = ['--no-speed'], env?: NodeJS.ProcessEnv) {
  const { status, stdout } = await doctor(['--json', ...args], env);
  const sections = JSON.parse(stdout) as { place: string; findings: Finding[] }[];
  const findings = sections.flatMap((section) => section.findings);
  return { status, findings, of: (check: string) => findings.find((finding) => finding.check === check) };
}

test('a server that may sign with its key alone is well, and told so in lines', async () => {
  // As many as are ever tried: whatever the measurement says, they are enough.
  offload.writeConfiguration({ top: { ConnectionCache: { MaxConnections: 64 } } });
  const { status, stdout, stderr } = await doctor([]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  for (const check of [
    'file',
    'DNS',
    'TCP',
    'TLS',
    'clock',
    'identity',
    'list',
    `key ${web.name}`,
    `sign ${web.name}`,
    'latency',
    'connections',
  ]) {
    expect(stdout).toMatch(new RegExp(`^  ✓ ${check} `, 'm'));
  }
  expect(stdout).toMatch(
    new RegExp(
      `^  ! sign ${other.name} .*\\n      → mhsm-p11 roles --principal \\S+ --key ${other.name} prints .* az keyvault role assignment create`,
      'm',
    ),
  );
  expect(stdout).toMatch(/connections +signatures by how many are in flight: 1: \d+\/s, 2: \d+\/s/);
  expect(stdout).toMatch(/0 failure\(s\), \d+ warning\(s\)\.\n$/);
});

describe('what is wrong is named with what to do, and what does not hang on it goes on', () => {
  test('a configuration that cannot be read', async () => {
    const { status, findings } = await examine([], {
      ...serverEnvironment(),
      MHSM_PKCS11_CONF: join(folder, 'nowhere'),
    });
    expect(status).toBe(1);
    expect(findings).toMatchObject([
      { check: 'file', outcome: 'failed', todo: expect.stringContaining('MHSM_PKCS11_CONF') },
    ]);
  });

  test('a name without an address', async () => {
    offload.writeConfiguration({ token: { baseUrl: 'https://nowhere.invalid' } });
    const { status, of } = await examine();
    expect(status).toBe(1);
    expect(of('DNS')).toMatchObject({ outcome: 'failed', todo: expect.stringContaining('tokens[0]') });
    expect(of('identity')).toMatchObject({ outcome: 'skipped' });
  });

  test('a port that nobody listens on', async () => {
    offload.writeConfiguration({ token: { baseUrl: 'https://localhost:1' } });
    const { of } = await examine();
    expect([of('DNS'), of('TCP')]).toMatchObject([
      { outcome: 'good' },
      { outcome: 'failed', text: expect.stringContaining('ECONNREFUSED') },
    ]);
  });

  test('a certificate that is not trusted', async () => {
    offload.writeConfiguration({ token: { caFile: undefined } });
    const { of } = await examine();
    expect(of('TLS')).toMatchObject({ outcome: 'failed', todo: expect.stringContaining('set caFile of tokens[0]') });
  });

  test('a secret that is wrong', async () => {
    const { of, status } = await examine(['--no-speed'], {
      ...serverEnvironment(),
      MHSM_CLIENT_SECRET: 'not-the-secret',
    });
    expect(status).toBe(1);
    expect([of('TLS'), of('identity'), of('list')]).toMatchObject([
      { outcome: 'good' },
      { outcome: 'failed' },
      { outcome: 'skipped' },
    ]);
    expect(JSON.stringify(of('identity'))).not.toContain('not-the-secret');
  });

  test('an environment without a principal', async () => {
    const { of } = await examine(['--no-speed'], { ...serverEnvironment(), MHSM_CLIENT_ID: '' });
    expect(of('identity')).toMatchObject({ outcome: 'failed', text: 'MHSM_CLIENT_ID is not set' });
  });

  test('a principal without a role', async () => {
    const { clientId, clientSecret } = offload.mock.stranger;
    const env = { ...serverEnvironment(), MHSM_CLIENT_ID: clientId, MHSM_CLIENT_SECRET: clientSecret };
    const { of } = await examine(['--no-speed'], env);
    expect(of('list')).toMatchObject({
      outcome: 'failed',
      todo: expect.stringMatching(
        /^mhsm-p11 roles --principal \S+ --key <key name> prints all az commands; this needs az keyvault role assignment create .*TLS Library User Read Role.*--scope \/keys$/,
      ),
    });
    expect([of('identity'), of('random')]).toMatchObject([{ outcome: 'good' }, { outcome: 'warning' }]);
  });

  test('a key that was chosen and may not be used', async () => {
    const { of, status } = await examine(['--no-speed', '--key', 'other']);
    expect(status).toBe(1);
    expect(of(`key ${other.name}`)).toMatchObject({
      outcome: 'failed',
      text: expect.stringContaining('signs no more since 2020-01-0'),
    });
    expect(of(`sign ${other.name}`)).toMatchObject({ outcome: 'failed', todo: expect.stringContaining('az keyvault') });
  });

  test('a clock that is not the HSM\u2019s', async () => {
    await offload.mock.control('POST', 'clock', { advance: '90s' });
    const { of, status } = await examine();
    await offload.mock.control('DELETE', 'clock');
    expect(status).toBe(0);
    expect(of('clock')).toMatchObject({
      outcome: 'warning',
      text: expect.stringMatching(/^the clock of this host is (89|90|91) s behind the HSM's$/),
      todo: expect.stringContaining('timedatectl'),
    });
  });

  test('keys that are for something else, of which one was chosen', async () => {
    await offload.mock.asKeyGeneration('POST', '/keys/sealing/create', { kty: 'oct-HSM', key_size: 256 });
    await offload.mock.asKeyGeneration('POST', '/keys/wrapping/create', { kty: 'RSA-HSM', key_ops: ['wrapKey'] });
    const { of, status } = await examine();
    expect(status).toBe(0);
    expect([of('key sealing'), of('key wrapping')]).toMatchObject([
      { outcome: 'skipped', text: expect.stringContaining('symmetric key: it makes no signatures') },
      { outcome: 'skipped', text: expect.stringContaining('its key operations are wrapKey') },
    ]);
    expect(of('sign sealing')).toBeUndefined();
    const chosen = await examine(['--no-speed', '--key', 'sealing']);
    expect(chosen.status).toBe(1);
    expect(chosen.of('key sealing')).toMatchObject({ outcome: 'failed', todo: expect.stringContaining('create_key') });
  });

  test('a key that is not there', async () => {
    const { of } = await examine(['--no-speed', '--key', 'none']);
    expect(of('keys')).toMatchObject({ outcome: 'failed', text: 'there is none of the name or label none' });
  });

  test('a certificate of another key beside one that fits', async () => {
    const env = offload.toolEnvironment;
    const [mine, foreign] = [join(folder, 'mine.pem'), join(folder, 'foreign.pem')];
    await mustRun(
      join(BIN, 'mhsm-p11'),
      ['self-sign', '--label', 'web', '--subject', 'CN=mine', '--days', '90', '--out', mine],
      { env },
    );
    const subject = ['-subj', '/CN=foreign', '-addext', 'basicConstraints=CA:FALSE'];
    await mustRun('openssl', [
      'req',
      '-x509',
      '-nodes',
      '-newkey',
      'rsa:2048',
      ...subject,
      '-keyout',
      join(folder, 'key.pem'),
      '-out',
      foreign,
    ]);
    offload.writeConfiguration({ token: { certificates: [mine, foreign] } });
    const { findings } = await examine();
    expect(findings.filter(({ check }) => check === 'certificate')).toMatchObject([
      { outcome: 'good', text: expect.stringContaining(`CN=mine belongs to key ${web.name}`) },
      { outcome: 'failed', text: 'CN=foreign belongs to no key here', todo: expect.stringContaining('mhsm-p11 csr') },
    ]);
  });

  test('an unknown setting', async () => {
    writeFileSync(
      offload.configurationFile,
      JSON.stringify({
        tokens: [{ slotid: 0, baseUrl: offload.mock.url, caFile: offload.mock.caFile }],
        ConnectionCashe: {},
      }),
    );
    const { findings } = await examine();
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'file',
        outcome: 'warning',
        text: expect.stringContaining('did you mean ConnectionCache?'),
      }),
    );
  });
});

test('mhsm-p11 check signs with a key that it may use, or says which role is missing', async () => {
  const check = (env: NodeJS.ProcessEnv) => runProgram(join(BIN, 'mhsm-p11'), ['check'], { env });
  expect(await check(serverEnvironment())).toEqual({
    status: 0,
    stderr: '',
    stdout: `configuration ${offload.configurationFile}: good, 1 token(s)\nslot 0, ${offload.mock.url}: logged in, 4 key(s), signs with ${web.name}\n`,
  });
  const { clientId, clientSecret } = offload.mock.stranger;
  const refused = await check({ ...serverEnvironment(), MHSM_CLIENT_ID: clientId, MHSM_CLIENT_SECRET: clientSecret });
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('TLS Library User Read Role') });
});

test('of many keys the first are looked at and the rest is counted; --all-keys looks at all', async () => {
  const more = Array.from({ length: 30 }, (_, i) => `many-${i}`);
  for (const name of more) await offload.mock.asKeyGeneration('POST', `/keys/${name}/create`, { kty: 'EC-HSM' });
  const some = await examine();
  const looked = some.findings.filter(({ check }) => check.startsWith('key '));
  expect(looked).toHaveLength(25);
  expect(some.of('keys')).toMatchObject({
    outcome: 'warning',
    text: expect.stringMatching(/^25 of (\d+) keys were looked at, \d+ left out$/),
    todo: expect.stringContaining('--all-keys'),
  });
  const all = await examine(['--no-speed', '--all-keys']);
  expect(all.of('keys')).toBeUndefined();
  expect(more.filter((name) => all.of(`key ${name}`) === undefined)).toEqual([]);
});
