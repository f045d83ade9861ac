import { chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Offload, RSA_LABEL } from '../../demo/offload.ts';
import { mustRun, runProgram } from '../../demo/process.ts';
import { MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';

interface Line {
  msg: string;
  pid?: number;
  connection?: number;
  configuration?: object;
}

let folder: string;
let directory: string;
let offload: Offload;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-logging-'));
  // The agent gives up root, and must still find it.
  chmodSync(folder, 0o711);
  directory = join(folder, 'logs');
  const module = { P11Interfaces: true, FunctionLevelTrace: true, curl: { Level: 'verbose', DisplayAsHex: true } };
  const flag = { SendToFile: true, IncludeProcessId: true, IncludeThreadId: true, IncludePINs: true };
  // Lives until the end: one agent, one log.
  offload = await Offload.start(folder, {
    top: { log: { directory, module, flag }, agent: { idleExitSeconds: 3 } },
  });
  await offload.grantReading();
  await offload.grantUse(await offload.createKey('--RSA', '2K', '--label', RSA_LABEL));
  await sign();
});

afterAll(async () => {
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const pkcs11Tool = (...args: string[]) => ['--module', MODULE, '--login', '--pin', 'env:PIN', ...args];
// The PIN is not among the arguments, which every process of the machine may read.
const env = (pin = offload.pin) => ({
  ...MODULE_ENVIRONMENT,
  PATH: process.env.PATH,
  MHSM_PKCS11_CONF: offload.configurationFile,
  PIN: pin,
});

async function sign(): Promise<void> {
  const how = ['--sign', '--mechanism', 'SHA256-RSA-PKCS', '--label', RSA_LABEL];
  const files = ['--input-file', offload.configurationFile, '--output-file', join(folder, 'signature')];
  await mustRun('pkcs11-tool', pkcs11Tool(...how, ...files), { env: env() });
}

function linesOf(file: string): Line[] {
  const text = readFileSync(join(directory, file), 'utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as Line);
}

const files = () => readdirSync(directory).filter((name) => /^MHSM-PKCS11-\d+-\d{8}-\d{6}\.log$/.test(name));
const lines = () => files().flatMap(linesOf);

describe('everything on', () => {
  test('the file begins with version and configuration, and says what it refuses', () => {
    const [head, ...rest] = lines();
    expect(head?.msg).toMatch(/^mhsm-pkcs11 \d+\.\d+\.\d+, configuration .*mhsm-pkcs11\.conf$/);
    expect(head?.configuration).toMatchObject({ log: { flags: { SendToFile: 1, CloseFileAfterWrite: 0 } } });
    expect(rest.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('IncludePINs is ignored'));
  });

  test.each([
    ['the login, without the PIN', /^C_Login session=\d+ userType=CKU_USER 0x1 pin=given: CKR_OK 0x0 in \d+ µs$/],
    [
      'the search',
      /^C_FindObjectsInit session=\d+ template=\[CKA_CLASS 0x0=CKO_PRIVATE_KEY 0x3\]: CKR_OK 0x0 in \d+ µs$/,
    ],
    [
      'the signature',
      /^C_Sign session=\d+ data=\d+ bytes signature=room for \d+: CKR_OK 0x0 signature=256 bytes in \d+ µs$/,
    ],
    ['entry of a function', /^> RestIdentity\.sign p11-[0-9a-f]{32}$/],
    ['exit of a function', /^< RestIdentity\.sign p11-[0-9a-f]{32} after \d+ µs$/],
    ['the request', /^HTTP \d+ POST https:\/\/.*\/sign\?api-version=7\.4: 200 after \d+ µs$/],
    ['the request for a token', /^HTTP \d+ POST https:\/\/.*\/oauth2\/v2\.0\/token: 200 after \d+ µs$/],
    ['a body, as a dump', /^HTTP \d+ > 0000 {2}7b 22 61 6c 67 22 .* \{"alg"/],
  ])('shows %s', (_what, pattern) => {
    expect(lines().map(({ msg }) => msg)).toContainEqual(expect.stringMatching(pattern));
  });

  test('lines about calls name the process that made them, not the agent', async () => {
    const agents = await offload.agents();
    const calls = lines().filter(({ msg }) => msg.startsWith('C_'));
    expect(calls.length).toBeGreaterThan(0);
    for (const { pid, connection } of calls) {
      expect(agents).not.toContain(pid);
      expect(connection).toBeGreaterThan(0);
    }
  });
});

test('a file that log rotation moved away is made anew by an agent that gave up root', async () => {
  for (const name of files()) renameSync(join(directory, name), join(directory, `${name}.1`));
  await sign();
  const [head, ...rest] = lines();
  expect(head?.msg).toMatch(/^mhsm-pkcs11 /);
  expect(rest.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/^C_Sign /));
});

test('a wrong PIN is in no line, in no message', async () => {
  const wrong = `${offload.mock.offload.clientId}:a-wrong-pin-of-a-test`;
  const { stderr } = await runProgram('pkcs11-tool', ['--module', MODULE, '--login', '--pin', 'env:PIN', '-O'], {
    env: env(wrong),
  });
  expect(stderr).toContain('CKR_PIN_INCORRECT');
  const written = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8'));
  expect(written.join()).toMatch(/C_Login .* CKR_PIN_INCORRECT 0xa0/);
  expect(written.join() + stderr).not.toContain('a-wrong-pin');
});
