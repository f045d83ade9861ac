import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, Offload } from '../../demo/offload.ts';
import { mustRun, runProgram } from '../../demo/process.ts';

let folder: string;
let offload: Offload;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-tools-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const tool = (name: string, ...args: string[]) => runProgram(join(BIN, name), args, { env: offload.toolEnvironment });

async function listed(): Promise<Record<string, unknown>[]> {
  const { stdout } = await mustRun(join(BIN, 'mhsm_p11_list_keys'), ['--json'], { env: offload.toolEnvironment });
  return JSON.parse(stdout) as Record<string, unknown>[];
}

describe('mhsm_p11_create_key', () => {
  test('without arguments prints its usage and fails', async () => {
    const { status, stdout } = await tool('mhsm_p11_create_key');
    expect(status).toBe(2);
    expect(stdout).toMatch(/^Usage: mhsm_p11_create_key \(--RSA <size> \| --EC <curve>\) --label <label>/);
  });

  test('makes a key of a chosen name, id and validity, and mhsm_p11_list_keys shows all of it', async () => {
    const days = ['--not-before', '2026-01-31', '--expires', '2031-02-28'];
    const named = ['--name', 'tls-2026', '--id', '0A0B', '--label', 'web'];
    const { stdout, stderr } = await tool('mhsm_p11_create_key', '--EC', 'P-384', ...named, ...days, '--json');
    expect(stderr).toBe('');
    const { id, name, label } = JSON.parse(stdout) as Record<string, string>;
    expect({ name, label }).toEqual({ name: 'tls-2026', label: 'web' });
    expect(await listed()).toContainEqual({
      label: 'web',
      type: 'EC',
      sign: true,
      enabled: true,
      notBefore: '2026-01-31',
      expires: '2031-02-28',
      id: '0a0b',
      name: 'tls-2026',
      version: id?.split('/').at(-1),
      madeBy: 'library',
    });
  });

  test.each([
    ['--not-before', '2026-02-30', '--not-before 2026-02-30 is not a day; hint: give one that exists, as YYYY-MM-DD'],
    ['--expires', '20261231', '--expires 20261231 is not a day; hint: give one that exists, as YYYY-MM-DD'],
    ['--id', 'xyz', '--id xyz is not hexadecimal; hint: give pairs of 0-9 and a-f'],
    ['--name', 'a_b', '--name a_b cannot be the name of a key; hint: give 1 to 127 letters, digits and hyphens'],
    ['--slot', 'one', '--slot one is not a number; hint: give the slotid of a token in the configuration'],
  ])('%s %s is refused before anything is made', async (option, value, message) => {
    const { status, stderr } = await tool('mhsm_p11_create_key', '--RSA', '2K', '--label', 'x', option, value);
    expect({ status, stderr }).toEqual({ status: 2, stderr: `mhsm_p11_create_key: ${message}\n` });
  });

  test('an end before the beginning is refused', async () => {
    const days = ['--not-before', '2031-01-01', '--expires', '2030-12-31'];
    const { status, stderr } = await tool('mhsm_p11_create_key', '--RSA', '2K', '--label', 'x', ...days);
    expect(status).toBe(2);
    expect(stderr).toContain('--expires 2030-12-31 is before --not-before 2031-01-01');
  });

  test('a last day that has passed is a warning', async () => {
    const { stdout, stderr } = await tool(
      'mhsm_p11_create_key',
      '--EC',
      'P-256',
      '--label',
      'past',
      '--expires',
      '2020-01-01',
    );
    expect(stdout).toMatch(/^Key is generated successfully/);
    expect(stderr).toBe(
      'mhsm_p11_create_key: warning: --expires 2020-01-01 has passed: the HSM will not sign with this key\n',
    );
  });

  test('a name that is taken is refused, and the attribute has a name', async () => {
    const key = ['--EC', 'P-256', '--label', 'once', '--name', 'only-once'];
    await tool('mhsm_p11_create_key', ...key);
    const { status, stderr } = await tool('mhsm_p11_create_key', ...key);
    expect(status).toBe(1);
    expect(stderr).toMatch(/CKA_MHSM_KEY_NAME .*there is a key only-once already/);
  });
});

test.each([
  [
    'mhsm_p11_create_key',
    ['--RSA', '1K'],
    "option '--RSA <size>' argument '1K' is invalid. Allowed choices are 2K, 3K, 4K.",
  ],
  [
    'mhsm_p11_create_key',
    ['--EC', 'P-256', '--RSA', '2K'],
    "option '--RSA <size>' cannot be used with option '--EC <curve>'",
  ],
  ['mhsm_p11_list_keys', ['--jsno'], "unknown option '--jsno' (Did you mean --json?)"],
  ['mhsm_p11_validate_config_file', ['x'], 'too many arguments. Expected 0 arguments but got 1: x.'],
])('%s %j is refused in the name of the program', async (name, args, message) => {
  const { status, stdout, stderr } = await tool(name, ...args);
  expect({ status, stdout, stderr: stderr.replaceAll('\n', ' ').trim() }).toEqual({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining(`${name}: ${message}`),
  });
  expect(stderr.endsWith(`; hint: ${name} --help\n`)).toBe(true);
});

test('a token with a credential of its own needs no environment', async () => {
  const { clientId, clientSecret } = offload.mock.keyGeneration;
  offload.writeConfiguration({ token: { credential: { clientId, clientSecret } } });
  chmodSync(offload.configurationFile, 0o600);
  const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: offload.configurationFile };
  const { stdout, stderr } = await mustRun(join(BIN, 'mhsm_p11_list_keys'), ['--json'], { env });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(await listed());
  offload.writeConfiguration();
  const { status, stderr: refusal } = await runProgram(join(BIN, 'mhsm_p11_list_keys'), [], { env });
  expect({ status, refusal }).toEqual({ status: 2, refusal: expect.stringContaining('MHSM_CLIENT_ID is not set') });
});

test('an EC key of the curve P-256K is made', async () => {
  const { output } = await offload.createKey('--EC', 'P-256K', '--label', 'k1');
  expect(output).toMatch(
    /^Key is generated successfully\.\nManaged HSM Key ID: https:\S+\nKey Name: p11-[0-9a-f]{32}\n$/,
  );
});

test('a disk that is full is one line, and a failure', async () => {
  const { status, stderr } = await runProgram(
    'sh',
    ['-c', 'exec "$0" --json > /dev/full', join(BIN, 'mhsm_p11_list_keys')],
    {
      env: offload.toolEnvironment,
    },
  );
  expect(status).toBe(1);
  expect(stderr).toBe('mhsm_p11_list_keys: cannot write the output: ENOSPC: no space left on device, write\n');
});

test('a reader that has read enough is no failure', async () => {
  const shell = '"$0" --json | head -c 1; exec 3>&1; { "$0" --json; echo "status $?" >&3; } | true';
  const { stdout, stderr } = await mustRun('sh', ['-c', shell, join(BIN, 'mhsm_p11_list_keys')], {
    env: offload.toolEnvironment,
  });
  expect({ stdout, stderr }).toEqual({ stdout: '[status 0\n', stderr: '' });
});

test('mhsm_p11_list_keys never lets a label write over the terminal', async () => {
  await offload.createKey('--EC', 'P-256', '--label', 'red\u001b[31m\nline');
  const { stdout } = await tool('mhsm_p11_list_keys');
  expect(stdout).toContain('red\\x1b[31m\\x0aline');
});

describe('mhsm_p11_validate_config_file', () => {
  test('says SUCCESS for a good file, and which slots it gives', async () => {
    const { status, stdout } = await tool('mhsm_p11_validate_config_file', '--file', offload.configurationFile);
    expect(status).toBe(0);
    expect(stdout).toBe(`SUCCESS: Parsing ${offload.configurationFile}\nslot 0: demo, ${offload.mock.url}\n`);
  });

  test('fails with file, line and what is expected, and with a warning for a key that nobody knows', async () => {
    const file = join(folder, 'wrong.conf');
    writeFileSync(file, '{\n  "tokens": [{ "slotid": "zero", "resourceName": "x" }]\n}');
    const wrong = await tool('mhsm_p11_validate_config_file', '--file', file);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toMatch(/wrong\.conf:2/);
    writeFileSync(file, '{ "tokens": [{ "slotid": 0, "resourceNam": "x", "resourceName": "x" }] }');
    const odd = await tool('mhsm_p11_validate_config_file', '--file', file);
    expect(odd.status).toBe(0);
    expect(odd.stderr).toMatch(/warning: .*resourceNam/);
  });

  test('tells all mistakes of a file, a line each, and the misspelt key that one of them comes from', async () => {
    const file = join(folder, 'wrong.conf');
    const wrong = { tokens: [{ slotid: 'a', resourceNam: 'x' }], timeouts: { requestMs: 1 } };
    writeFileSync(file, JSON.stringify(wrong));
    const { status, stdout, stderr } = await tool('mhsm_p11_validate_config_file', '--file', file);
    const hint = 'hint: correct the file; docs/configuration.md lists all keys';
    expect({ status, stdout, lines: stderr.replaceAll(`${file}:1`, 'file').trimEnd().split('\n') }).toEqual({
      status: 1,
      stdout: '',
      lines: [
        'mhsm_p11_validate_config_file: warning: file:40: tokens[0].resourceNam is not known and ignored; did you mean resourceName?',
        `mhsm_p11_validate_config_file: file:12: tokens[0] is an object with slotid, resourceNam, expected resourceName or baseUrl; ${hint}`,
        `mhsm_p11_validate_config_file: file:22: tokens[0].slotid is "a", expected a number; ${hint}`,
        `mhsm_p11_validate_config_file: file:70: timeouts.requestMs is 1, expected at least 100; ${hint}`,
      ],
    });
    const listKeys = await runProgram(join(BIN, 'mhsm_p11_list_keys'), [], {
      env: { ...offload.toolEnvironment, MHSM_PKCS11_CONF: file },
    });
    expect(listKeys.stderr).toMatch(/^mhsm_p11_list_keys: [^\n]* \(the first of 3 mistakes\); hint: [^\n]*\n$/);
  });

  test.each([
    ['nowhere', 'there is no such file; hint: give --file the path of a file that exists'],
    ['', 'it is a folder; hint: give the path of the file, such as '],
  ])('says of --file <folder>/%s that %s', async (name, words) => {
    const { status, stderr } = await tool('mhsm_p11_validate_config_file', '--file', join(folder, name));
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(`: ${words}`) });
  });
});
