import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Pkcs11js from 'pkcs11js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CRYPTO_USER, type ServicePrincipal } from '../../demo/mock.ts';
import { BIN, type CreatedKey, Offload } from '../../demo/offload.ts';
import { mustRun, runProgram } from '../../demo/process.ts';
import { BUILT_MODULE, MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';

/** Several principals at once: the module in this process, with a slot for each of two, and in other processes. */

const pkcs11js = createRequire(import.meta.url)('pkcs11js') as typeof Pkcs11js;
const ROLE = { one: 'offload', two: 'stranger' } as const;
type KeyLabel = keyof typeof ROLE;

let folder: string;
let offload: Offload;
const module = new pkcs11js.PKCS11();
const slots: Buffer[] = [];
const key: Partial<Record<KeyLabel, CreatedKey>> = {};

const principal = (label: KeyLabel): ServicePrincipal => offload.mock[ROLE[label]];
const pinOf = ({ clientId, clientSecret }: ServicePrincipal) => `${clientId}:${clientSecret}`;

/** What a call ends with: the name of its CKR code. */
function code(call: () => unknown): string {
  try {
    call();
    return 'CKR_OK';
  } catch (error) {
    return (error as Error).message;
  }
}

function session(slot: number): Buffer {
  const handle = slots[slot];
  if (handle === undefined) throw new Error(`no slot ${slot}`);
  return module.C_OpenSession(handle, pkcs11js.CKF_SERIAL_SESSION);
}

function signAs(handle: Buffer, label: KeyLabel): string {
  return code(() => {
    module.C_FindObjectsInit(handle, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_LABEL, value: label },
    ]);
    const object = module.C_FindObjects(handle);
    module.C_FindObjectsFinal(handle);
    if (object === null) throw new Error('the key is not seen');
    module.C_SignInit(handle, { mechanism: pkcs11js.CKM_ECDSA }, object);
    module.C_Sign(handle, Buffer.alloc(32, 1), Buffer.alloc(64));
  });
}

/** Another process with the module, as the principal of a PIN. */
function listAs(pin: string, environment: NodeJS.ProcessEnv = {}) {
  const env = {
    ...MODULE_ENVIRONMENT,
    PATH: process.env.PATH,
    MHSM_PKCS11_CONF: offload.configurationFile,
    PIN: pin,
    ...environment,
  };
  return runProgram('pkcs11-tool', ['--module', MODULE, '--login', '--pin', 'env:PIN', '-O'], { env });
}

async function addSecret(secret: string, ...more: string[]): Promise<void> {
  const args = ['add', 'secret', 'offload', '--secret-from', 'env:NEW', '--data-dir', offload.mock.dataDir, ...more];
  await mustRun(join(BIN, 'mock-hsm'), args, { env: { PATH: process.env.PATH, NEW: secret } });
}

const tokensIssued = () => offload.mock.metric('mock_hsm_tokens_issued_total{operation="token"}');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-principals-'));
  offload = await Offload.start(folder);
  await offload.grantReading();
  const { tokens, ...rest } = JSON.parse(readFileSync(offload.configurationFile, 'utf8')) as { tokens: object[] };
  const twice = [0, 1].map((slotid) => ({ ...tokens[0], slotid }));
  writeFileSync(offload.configurationFile, JSON.stringify({ ...rest, tokens: twice }));
  const readers = await offload.mock.createReadRole();
  for (const label of ['one', 'two'] as const) {
    key[label] = await offload.createKey('--EC', 'P-256', '--label', label);
    await offload.mock.assignRole(CRYPTO_USER, principal(label).objectId, `/keys/${key[label].name}`);
  }
  await offload.mock.assignRole(readers, principal('two').objectId, '/keys');
  process.env.MHSM_PKCS11_CONF = offload.configurationFile;
  module.load(BUILT_MODULE);
  module.C_Initialize();
  slots.push(...module.C_GetSlotList(true));
});

afterAll(async () => {
  module.C_Finalize();
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

afterEach(() => {
  for (const slot of slots) module.C_CloseAllSessions(slot);
});

describe('the PIN', () => {
  const login = (pin: string) => {
    const handle = session(0);
    const outcome = code(() => module.C_Login(handle, pkcs11js.CKU_USER, pin));
    module.C_CloseSession(handle);
    return outcome;
  };

  test('may end with a newline, as it does when it comes from a file', () => {
    const pin = pinOf(principal('one'));
    expect([pin, `${pin}\n`, `${pin}\r\n`].map(login)).toEqual(['CKR_OK', 'CKR_OK', 'CKR_OK']);
  });

  test('may hold a secret with colons and other letters', async () => {
    const secret = 'a:b::c ß€~"\\';
    await addSecret(secret);
    expect(login(`${principal('one').clientId}:${secret}`)).toBe('CKR_OK');
  });

  test('with a wrong secret, an expired one or a client that is not there is CKR_PIN_INCORRECT', async () => {
    await addSecret('was-good-until-2020', '--expires', '2020-01-01T00:00:00Z');
    const { clientId } = principal('one');
    const unknown = '00000000-0000-4000-8000-000000000000';
    const pins = [`${clientId}:wrong`, `${clientId}:was-good-until-2020`, `${unknown}:x`, clientId, ':', 'x'];
    expect(pins.map(login)).toEqual(pins.map(() => 'CKR_PIN_INCORRECT'));
  });

  test('is not to blame when the tenant is unknown', async () => {
    const file = join(folder, 'tenant.conf');
    const { tokens } = JSON.parse(readFileSync(offload.configurationFile, 'utf8')) as { tokens: object[] };
    const tenantId = '00000000-0000-4000-8000-000000000000';
    writeFileSync(file, JSON.stringify({ tokens: [{ ...tokens[0], tenantId }] }));
    const env = { ...offload.toolEnvironment, MHSM_PKCS11_CONF: file };
    const { status, stderr } = await runProgram(join(BIN, 'mhsm_p11_list_keys'), [], { env });
    expect(status).toBe(1);
    expect(stderr).toMatch(/AADSTS90002; hint: no such tenant: check tenantId \(CKR_DEVICE_ERROR/);
  });
});

test('two principals on two slots of a process have their own rights, and one logs out without the other', () => {
  const [first, second] = [session(0), session(1)];
  module.C_Login(first, pkcs11js.CKU_USER, pinOf(principal('one')));
  module.C_Login(second, pkcs11js.CKU_USER, pinOf(principal('two')));
  expect([signAs(first, 'one'), signAs(second, 'two')]).toEqual(['CKR_OK', 'CKR_OK']);
  const refused = signAs(first, 'two');
  expect(refused).toMatch(/^CKR_(FUNCTION_FAILED|KEY_FUNCTION_NOT_PERMITTED)$/);
  expect([signAs(first, 'two'), signAs(second, 'one')]).toEqual([refused, refused]);
  module.C_Logout(first);
  expect(signAs(first, 'one')).toBe('the key is not seen');
  expect(signAs(second, 'two')).toBe('CKR_OK');
  // Who logs in next on the slot has nothing of who was there before.
  module.C_Login(first, pkcs11js.CKU_USER, pinOf(principal('two')));
  expect([signAs(first, 'one'), signAs(first, 'two')]).toEqual([refused, 'CKR_OK']);
});

test('other processes at the same slot are who their PIN says, at the same time', async () => {
  const mine = session(0);
  module.C_Login(mine, pkcs11js.CKU_USER, pinOf(principal('one')));
  const pins = [pinOf(principal('two')), `${principal('one').clientId}:wrong`, pinOf(offload.mock.keyGeneration)];
  const others = await Promise.all(pins.map((pin) => listAs(pin)));
  expect(others.map(({ status }) => status === 0)).toEqual([true, false, true]);
  expect(signAs(mine, 'one')).toBe('CKR_OK');
});

test('many processes share one token, and go on with it while Entra ID is away', async () => {
  const mine = session(0);
  module.C_Login(mine, pkcs11js.CKU_USER, pinOf(principal('one')));
  const before = await tokensIssued();
  const args = ['--cacert', offload.mock.caFile, '-fsS', `${offload.mock.url}/mock/faults`];
  const fault = JSON.stringify({ operation: 'token', status: 503, times: 'always' });
  await mustRun('curl', [...args, '--json', fault]);
  const others = await Promise.all(Array.from({ length: 8 }, () => listAs(pinOf(principal('one')))));
  expect(others.map(({ status }) => status)).toEqual(others.map(() => 0));
  expect(signAs(mine, 'one')).toBe('CKR_OK');
  await mustRun('curl', [...args, '-X', 'DELETE']);
  expect(await tokensIssued()).toBe(before);
});

test("Azure's libraries asked to log everything show neither the secret nor a token", async () => {
  const env = { ...offload.toolEnvironment, AZURE_LOG_LEVEL: 'verbose' };
  const { stdout, stderr } = await runProgram(join(BIN, 'mhsm_p11_list_keys'), [], { env });
  expect(stderr).toMatch(/azure:/);
  const { clientSecret } = offload.mock.keyGeneration;
  for (const secret of [clientSecret, encodeURIComponent(clientSecret)]) {
    expect(`${stdout}${stderr}`).not.toContain(secret);
  }
  expect(`${stdout}${stderr}`).not.toMatch(/eyJ[\w-]{10,}/);
});
