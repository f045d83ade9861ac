import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { BufferTooSmall, Pkcs11Error } from '../pkcs11/error.ts';
import { EMPTY } from '../tags/values.ts';
import type { MemoryHsm } from './memory-hsm.ts';
import { type FunctionName, isListed, listedCode, withListedCodes } from './return-codes.ts';
import { Client, classIs, codeOf, labelIs, PIN, setUp } from './test-client.ts';

const CODES = Object.entries(ck).flatMap(([name, value]) => (name.startsWith('CKR_') && value !== 0 ? [value] : []));
const session = 1;
const ecdsa = { type: ck.CKM_ECDSA, parameter: null };
const expired = new Pkcs11Error(ck.CKR_PIN_INCORRECT, 'the client secret has expired', { hint: 'create a new one' });
const forbidden = new Pkcs11Error(ck.CKR_KEY_FUNCTION_NOT_PERMITTED, 'no role', { hint: 'assign one' });

let hsm: MemoryHsm;
let client: Client;
let privateKey: number;
let publicKey: number;

beforeEach(async () => {
  const it = setUp();
  hsm = it.hsm;
  client = await Client.open(it.library);
  ({ privateKey, publicKey } = await client.generateEc('key'));
});

/** Each function that asks the HSM, in a state in which it does. */
const asking: Readonly<Partial<Record<FunctionName, () => unknown>>> = {
  login: async () => {
    await codeOf(() => client.application.logout({ session }));
    return client.application.login({ session, userType: ck.CKU_USER, pin: PIN });
  },
  findObjectsInit: () => client.application.findObjectsInit({ session, template: [labelIs('nowhere')] }),
  getAttributeValue: async () => {
    const object = await keyNotRead();
    return client.application.getAttributeValue({ session, object, queries: [{ type: ck.CKA_LABEL, capacity: 9 }] });
  },
  getObjectSize: async () => {
    const object = await keyNotRead();
    return client.application.getObjectSize({ session, object });
  },
  setAttributeValue: () => client.set(privateKey, labelIs('new')),
  generateKeyPair: () => client.generateEc('another'),
  generateRandom: () => client.application.generateRandom({ session, length: 1 }),
  signInit: async () => {
    const key = await keyNotRead();
    return client.application.signInit({ session, mechanism: ecdsa, key });
  },
  verifyInit: async () => {
    const key = await keyNotRead();
    return client.application.verifyInit({ session, mechanism: ecdsa, key });
  },
  sign: async () => {
    await client.application.signInit({ session, mechanism: ecdsa, key: privateKey });
    return client.application.sign({ session, data: EMPTY, signature: 64 });
  },
  signFinal: async () => {
    const mechanism = { type: ck.CKM_ECDSA_SHA256, parameter: null };
    await client.application.signInit({ session, mechanism, key: privateKey });
    return client.application.signFinal({ session, signature: 64 });
  },
};

/** The handle of a key that a new process has not read yet. */
async function keyNotRead(): Promise<number> {
  for (const method of ['listKeys', 'getKey', 'listVersions', 'authenticate'] as const) hsm.fail(method, undefined);
  hsm.addKey({ name: 'foreign' });
  const handle = await client.findOne(labelIs('foreign'), classIs(ck.CKO_PRIVATE_KEY));
  client = await Client.open(setUp(hsm).library);
  failAll(failure);
  return handle;
}

let failure: Pkcs11Error;
function failAll(error: Pkcs11Error): void {
  failure = error;
  const methods = [
    'listKeys',
    'getKey',
    'listVersions',
    'createKey',
    'updateKey',
    'random',
    'sign',
    'authenticate',
  ] as const;
  for (const method of methods) hsm.fail(method, error);
}

describe('whatever the HSM says,', () => {
  test.each(Object.entries(asking))('%s gives a code of its list, and the same words', async (name, call) => {
    for (const rv of CODES) {
      failAll(new Pkcs11Error(rv, 'trouble', { hint: 'mend it' }));
      const error = await Promise.resolve()
        .then(call)
        .catch((it: unknown) => it);
      expect(error, `for 0x${rv.toString(16)}`).toBeInstanceOf(Pkcs11Error);
      if (!(error instanceof Pkcs11Error)) continue;
      expect(isListed(name as FunctionName, error.rv), `0x${rv.toString(16)} as 0x${error.rv.toString(16)}`).toBe(true);
      if (isListed(name as FunctionName, rv)) expect(error.rv).toBe(rv);
    }
  });
});

describe('a secret that expired', () => {
  test('is CKR_PIN_INCORRECT of C_Login, CKR_PIN_EXPIRED of C_SignInit, CKR_FUNCTION_FAILED of C_Sign', () => {
    const { rv } = expired;
    expect(listedCode('login', rv)).toBe(ck.CKR_PIN_INCORRECT);
    expect(listedCode('signInit', rv)).toBe(ck.CKR_PIN_EXPIRED);
    expect(listedCode('findObjectsInit', rv)).toBe(ck.CKR_PIN_EXPIRED);
    expect(listedCode('sign', rv)).toBe(ck.CKR_FUNCTION_FAILED);
  });

  test('is told with its reason and hint, whatever the code', async () => {
    hsm.fail('sign', expired);
    await client.application.signInit({ session, mechanism: ecdsa, key: privateKey });
    const signature = client.application.sign({ session, data: EMPTY, signature: 64 });
    await expect(signature).rejects.toMatchObject({
      rv: ck.CKR_FUNCTION_FAILED,
      message: expired.message,
      hint: expired.hint,
      cause: expired,
    });
  });
});

test('a role that is missing is CKR_FUNCTION_FAILED of C_Sign, whose list has no key that may not', async () => {
  hsm.fail('sign', forbidden);
  expect(await codeOf(() => client.sign(privateKey, ck.CKM_ECDSA, EMPTY))).toBe(ck.CKR_FUNCTION_FAILED);
});

test('a key that is gone is the handle of the kind that the function takes', () => {
  expect(listedCode('signInit', ck.CKR_OBJECT_HANDLE_INVALID)).toBe(ck.CKR_KEY_HANDLE_INVALID);
  expect(listedCode('getAttributeValue', ck.CKR_KEY_HANDLE_INVALID)).toBe(ck.CKR_OBJECT_HANDLE_INVALID);
  expect(listedCode('sign', ck.CKR_KEY_HANDLE_INVALID)).toBe(ck.CKR_FUNCTION_FAILED);
});

test('every code of every function becomes one of its list, and stays what it became', () => {
  const names = fc.constantFrom(...(Object.keys(asking) as FunctionName[]), 'encrypt' as const, 'digest' as const);
  fc.assert(
    fc.property(names, fc.oneof(fc.constantFrom(...CODES), fc.nat()), (name, rv) => {
      const code = listedCode(name, rv);
      expect(isListed(name, code)).toBe(true);
      expect(listedCode(name, code)).toBe(code);
    }),
  );
});

test('what is listed passes as the very error it was: a buffer that is too small keeps its length', async () => {
  await client.application.signInit({ session, mechanism: ecdsa, key: privateKey });
  await expect(async () => client.application.sign({ session, data: EMPTY, signature: 1 })).rejects.toEqual(
    new BufferTooSmall(64),
  );
});

test('a defect is no refusal, and passes as it is', async () => {
  const defect = new TypeError('undefined is not a function');
  const broken = Object.assign(Object.create(client.application), { sign: () => Promise.reject(defect) });
  await expect(withListedCodes(broken).sign({ session, data: EMPTY, signature: null })).rejects.toBe(defect);
});

describe('operations that are cancelled', () => {
  const startAll = async () => {
    const { application } = client;
    await application.signInit({ session, mechanism: ecdsa, key: privateKey });
    await application.verifyInit({ session, mechanism: ecdsa, key: publicKey });
    application.digestInit({ session, mechanism: { type: ck.CKM_SHA256, parameter: null } });
  };
  const isActive = {
    sign: () => client.application.sign({ session, data: EMPTY, signature: null }),
    verify: () => client.application.verify({ session, data: EMPTY, signature: new Uint8Array(64) }),
    digest: () => client.application.digest({ session, data: EMPTY, digest: null }),
  };
  const over = async () => {
    const names = Object.keys(isActive) as (keyof typeof isActive)[];
    const codes = await Promise.all(names.map((name) => codeOf(isActive[name])));
    return names.filter((_, i) => codes[i] === ck.CKR_OPERATION_NOT_INITIALIZED);
  };

  test.each([
    ['sign', ck.CKF_SIGN],
    ['verify', ck.CKF_VERIFY],
    ['digest', ck.CKF_DIGEST],
  ])('are those of the flag: %s', async (name, flags) => {
    await startAll();
    client.application.cancelOperations({ session, flags });
    expect(await over()).toEqual([name]);
  });

  test('are none for a flag of none, and need no operation', async () => {
    client.application.cancelOperations({ session, flags: ck.CKF_ENCRYPT | ck.CKF_DECRYPT });
    await startAll();
    client.application.cancelOperations({ session, flags: 0 });
    expect(await over()).toEqual([]);
  });
});
