import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as ck from '../../lib/pkcs11/constants.ts';
import { EMPTY } from '../../lib/tags/values.ts';
import { Driver, VARIANTS } from '../test/driver.ts';
import { FakeAgent, ok } from '../test/fake-agent.ts';

const ROOT = join(import.meta.dirname, '../..');
const HEADER = '/usr/include/p11-kit-1/p11-kit/pkcs11.h';

/** Function to outcome, from the table that users read. */
const documented = new Map(
  [
    ...readFileSync(join(ROOT, 'docs/functions.md'), 'utf8').matchAll(/^\| `(C_\w+)` +\| [\d.]+ +\| `?(\w+)`? +\|/gm),
  ].map(([, name = '', outcome = '']) => [name, outcome]),
);

/** The members of CK_FUNCTION_LIST of PKCS#11 2.40, in order. */
function namesOfHeader(): string[] {
  const list = /struct ck_function_list\s*\{(.*?)\n\}/s.exec(readFileSync(HEADER, 'utf8'))?.[1] ?? '';
  return [...list.matchAll(/^\s*CK_C_\w+ (C_\w+);/gm)].map(([, name = '']) => name);
}

/** What no agent is asked for: the library answers by itself. Templates are the agent's to judge. */
const REFUSED_HERE: Readonly<Record<string, number>> = {
  CKR_FUNCTION_NOT_SUPPORTED: ck.CKR_FUNCTION_NOT_SUPPORTED,
  CKR_FUNCTION_NOT_PARALLEL: ck.CKR_FUNCTION_NOT_PARALLEL,
};
const refused = [...documented].flatMap(([name, outcome]) => {
  const rv = REFUSED_HERE[outcome];
  return rv === undefined || name === 'C_CreateObject' ? [] : [{ name, rv }];
});

/** Functions of a session with arguments that need a pointer, which is NULL here; `flag`: whose operation that ends. */
const missing: readonly { call: string; flag?: number }[] = [
  { call: 'C_GetSessionInfo 1 null' },
  { call: 'C_Login 1 1 null 5' },
  { call: 'C_CreateObject 1 null 0 null' },
  { call: 'C_CopyObject 1 9 null 0 null' },
  { call: 'C_GetObjectSize 1 9 null' },
  { call: 'C_GetAttributeValue 1 9 null 1' },
  { call: 'C_SetAttributeValue 1 9 null 1' },
  { call: 'C_FindObjectsInit 1 null 1' },
  { call: 'C_FindObjects 1 null 1 length' },
  { call: 'C_FindObjects 1 buffer 1 null' },
  { call: 'C_EncryptInit 1 null 9' },
  { call: 'C_Encrypt 1 null 5 buffer length', flag: ck.CKF_ENCRYPT },
  { call: 'C_Encrypt 1 buffer 5 buffer null', flag: ck.CKF_ENCRYPT },
  { call: 'C_DecryptInit 1 null 9' },
  { call: 'C_Decrypt 1 null 5 buffer length', flag: ck.CKF_DECRYPT },
  { call: 'C_Decrypt 1 buffer 5 null null', flag: ck.CKF_DECRYPT },
  { call: 'C_DigestInit 1 null' },
  { call: 'C_Digest 1 null 5 buffer length', flag: ck.CKF_DIGEST },
  { call: 'C_Digest 1 buffer 5 buffer null', flag: ck.CKF_DIGEST },
  { call: 'C_DigestUpdate 1 null 5', flag: ck.CKF_DIGEST },
  { call: 'C_DigestFinal 1 buffer null', flag: ck.CKF_DIGEST },
  { call: 'C_SignInit 1 null 9' },
  { call: 'C_Sign 1 null 5 buffer length', flag: ck.CKF_SIGN },
  { call: 'C_Sign 1 buffer 5 buffer null', flag: ck.CKF_SIGN },
  { call: 'C_SignUpdate 1 null 5', flag: ck.CKF_SIGN },
  { call: 'C_SignFinal 1 null null', flag: ck.CKF_SIGN },
  { call: 'C_VerifyInit 1 null 9' },
  { call: 'C_Verify 1 null 5 buffer 64', flag: ck.CKF_VERIFY },
  { call: 'C_Verify 1 buffer 5 null 64', flag: ck.CKF_VERIFY },
  { call: 'C_VerifyUpdate 1 null 5', flag: ck.CKF_VERIFY },
  { call: 'C_VerifyFinal 1 null 64', flag: ck.CKF_VERIFY },
  { call: 'C_GenerateKeyPair 1 buffer null 0 null 0 null null' },
  { call: 'C_SeedRandom 1 null 5' },
  { call: 'C_GenerateRandom 1 null 5' },
];
const missingWithoutSession = [
  'C_GetInfo null',
  'C_GetSlotList 1 null null',
  'C_GetSlotInfo 3 null',
  'C_GetTokenInfo 3 null',
  'C_GetMechanismList 3 null null',
  'C_GetMechanismInfo 3 0x1041 null',
  'C_WaitForSlotEvent 1 null null',
  'C_WaitForSlotEvent 1 buffer buffer',
  'C_OpenSession 3 4 null null null',
  'C_Finalize buffer',
];

let folder: string;
let agent: FakeAgent;
let driver: Driver;
const call = async (text: string) => Number.parseInt(await driver.run(`call ${text}`), 16);
const begin = async () => {
  expect(await driver.run('init null')).toBe('0');
  expect(await driver.run('open 3 4')).toBe('0 1');
  agent.take();
};

test('docs/functions.md names every function of the header, in its order', () => {
  expect([...documented.keys()].sort()).toEqual(namesOfHeader().sort());
  expect(documented.size).toBe(68);
});

describe.each(VARIANTS)('the functions, $name,', ({ build }) => {
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mhsm-functions-'));
    agent = new FakeAgent(join(folder, 'socket'));
    await agent.start();
    const MHSM_PKCS11_CONF = join(folder, 'mhsm-pkcs11.conf');
    driver = await Driver.load(build, { MHSM_PKCS11_SOCKET: agent.path, MHSM_PKCS11_CONF });
  });

  afterEach(async () => {
    expect(await driver.end(), driver.stderr).toBe(0);
    await agent.stop();
    rmSync(folder, { recursive: true });
  });

  test('are all in the list, each in its place', async () => {
    expect(await driver.run(`list ${namesOfHeader().join(' ')}`)).toBe('complete');
  });

  test('do nothing before C_Initialize, whatever their arguments', async () => {
    for (const name of documented.keys()) {
      if (name === 'C_Initialize' || name === 'C_GetFunctionList') continue;
      expect(await call(name), name).toBe(ck.CKR_CRYPTOKI_NOT_INITIALIZED);
    }
    expect(agent.requests).toEqual([]);
  });

  test('that are refused give the code that is documented, and ask no agent', async () => {
    await begin();
    for (const { name, rv } of refused) {
      expect(await call(`${name} 1 buffer 5 buffer length`), name).toBe(rv);
      expect(await call(`${name} 1`), name).toBe(rv);
    }
    expect(agent.take()).toEqual([]);
  });

  test('that are not refused look at their arguments', async () => {
    await begin();
    for (const name of documented.keys()) {
      if (name === 'C_Finalize' || refused.some((it) => it.name === name)) continue;
      expect(Object.values(REFUSED_HERE), name).not.toContain(await call(name));
    }
  });

  test('never wait for a slot event', async () => {
    await begin();
    expect(await call(`C_WaitForSlotEvent ${ck.CKF_DONT_BLOCK} buffer null`)).toBe(ck.CKR_NO_EVENT);
    expect(await call('C_WaitForSlotEvent 0 buffer null')).toBe(ck.CKR_FUNCTION_NOT_SUPPORTED);
  });

  test('know a session that is not open before they look at their arguments', async () => {
    await begin();
    for (const { call: text } of missing) {
      expect(await call(text.replace(' 1 ', ' 77 ')), text).toBe(ck.CKR_SESSION_HANDLE_INVALID);
    }
    for (const name of ['C_GetFunctionStatus', 'C_CancelFunction', 'C_FindObjectsFinal', 'C_DestroyObject'])
      expect(await call(`${name} 77`), name).toBe(ck.CKR_SESSION_HANDLE_INVALID);
  });

  test('know a session that is not open when no agent is there to ask', async () => {
    await begin();
    await agent.stop();
    const bare = ['C_FindObjectsFinal 77', 'C_DestroyObject 77 9', 'C_CloseSession 77', 'C_Logout 77'];
    for (const text of [...bare, ...missing.map(({ call: each }) => each.replace(' 1 ', ' 77 '))])
      expect(await call(text), text).toBe(ck.CKR_SESSION_HANDLE_INVALID);
  });

  test('say CKR_ARGUMENTS_BAD for a pointer that is missing, and end the operation that they are of', async () => {
    await begin();
    for (const { call: text, flag } of missing) {
      expect(await call(text), text).toBe(ck.CKR_ARGUMENTS_BAD);
      const ended = agent.requests.filter((request) => request.call === 'cancelOperations').map(({ fields }) => fields);
      expect(ended, text).toEqual(flag === undefined ? [] : [{ session: 1, flags: flag }]);
      agent.take();
    }
    for (const text of missingWithoutSession) expect(await call(text), text).toBe(ck.CKR_ARGUMENTS_BAD);
    expect(await call('C_GetFunctionList null')).toBe(ck.CKR_ARGUMENTS_BAD);
  });

  test('take no bytes from nowhere: NULL with a length of zero is an empty input', async () => {
    await begin();
    agent.on('generateRandom', () => ok<'generateRandom'>({ bytes: EMPTY }));
    for (const text of ['C_SignUpdate 1 null 0', 'C_DigestUpdate 1 null 0', 'C_GenerateRandom 1 null 0'])
      expect(await call(text), text).toBe(ck.CKR_OK);
  });

  test('refuse what no frame holds by the code that the function lists', async () => {
    await begin();
    const huge = 0x1000_0000;
    expect(await call(`C_Login 1 1 buffer ${huge}`)).toBe(ck.CKR_PIN_INCORRECT);
    expect(await call(`C_SeedRandom 1 buffer ${huge}`)).toBe(ck.CKR_RANDOM_SEED_NOT_SUPPORTED);
    expect(await call(`C_Encrypt 1 buffer ${huge} buffer length`)).toBe(ck.CKR_DATA_LEN_RANGE);
    expect(await call(`C_Decrypt 1 buffer ${huge} buffer length`)).toBe(ck.CKR_ENCRYPTED_DATA_LEN_RANGE);
    expect(await call(`C_VerifyFinal 1 buffer ${huge}`)).toBe(ck.CKR_SIGNATURE_LEN_RANGE);
    const flags = agent.requests.flatMap((it) => (it.call === 'cancelOperations' ? [it.fields.flags] : []));
    expect(flags).toEqual([ck.CKF_ENCRYPT, ck.CKF_DECRYPT, ck.CKF_VERIFY]);
  });
});
