import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { Library } from './library.ts';
import { mechanisms } from './mechanisms.ts';
import { MemoryHsm } from './memory-hsm.ts';
import { cutToBytes } from './slot.ts';
import { Client, codeOf, setUp } from './test-client.ts';

const application = setUp().library.createApplication();

describe('slots', () => {
  test('keep the order and numbers of the configuration, with or without tokens', () => {
    const hsm = new MemoryHsm();
    const slots = [5, 1, 3].map((slotId) => ({ slotId, label: `token ${slotId}`, hsm }));
    const several = new Library({ slots, random: (n) => new Uint8Array(n) }).createApplication();
    for (const tokenPresent of [true, false]) expect(several.getSlotList({ tokenPresent }).slots).toEqual([5, 1, 3]);
    expect(several.getTokenInfo({ slot: 1 }).label).toBe('token 1');
  });

  test('name the HSM', () => {
    expect(application.getSlotInfo({ slot: 7 })).toMatchObject({
      description: 'https://memory.managedhsm.test',
      flags: ck.CKF_TOKEN_PRESENT | ck.CKF_HW_SLOT,
    });
  });

  test('have a token that needs a login and has random numbers, and no clock', () => {
    const info = application.getTokenInfo({ slot: 7 });
    const flags =
      ck.CKF_RNG |
      ck.CKF_TOKEN_INITIALIZED |
      ck.CKF_USER_PIN_INITIALIZED |
      ck.CKF_LOGIN_REQUIRED |
      ck.CKF_SO_PIN_LOCKED;
    expect(info).toMatchObject({ label: 'tls', flags, utcTime: '' });
    expect(info.serialNumber).toMatch(/^[0-9a-f]{16}$/);
  });

  test.each(['getSlotInfo', 'getTokenInfo', 'getMechanismList', 'closeAllSessions'] as const)(
    '%s of another is CKR_SLOT_ID_INVALID',
    async (call) => {
      expect(await codeOf(() => application[call]({ slot: 8 }))).toBe(ck.CKR_SLOT_ID_INVALID);
    },
  );

  test('cut text between characters', () => {
    expect(cutToBytes('Zürich', 2)).toBe('Z');
    expect(cutToBytes('Zürich', 3)).toBe('Zü');
    expect(cutToBytes('🔑🔑', 7)).toBe('🔑');
  });
});

describe('mechanisms', () => {
  test('are all in the list and described', () => {
    const { mechanisms: list } = application.getMechanismList({ slot: 7 });
    expect(new Set(list)).toEqual(new Set(mechanisms.map(({ type }) => type)));
    expect(new Set(list).size).toBe(list.length);
    for (const mechanism of list) expect(application.getMechanismInfo({ slot: 7, mechanism }).flags).not.toBe(0);
  });

  test.each([
    ['CKM_RSA_PKCS_PSS', ck.CKM_RSA_PKCS_PSS, 2048, 4096, ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY],
    ['CKM_SHA256', ck.CKM_SHA256, 0, 0, ck.CKF_DIGEST],
    ['CKM_RSA_PKCS_KEY_PAIR_GEN', ck.CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, 4096, ck.CKF_HW | ck.CKF_GENERATE_KEY_PAIR],
    [
      'CKM_ECDSA',
      ck.CKM_ECDSA,
      256,
      521,
      ck.CKF_HW | ck.CKF_SIGN | ck.CKF_VERIFY | ck.CKF_EC_F_P | ck.CKF_EC_NAMEDCURVE | ck.CKF_EC_UNCOMPRESS,
    ],
  ])('%s', (_name, mechanism, minKeySize, maxKeySize, flags) => {
    expect(application.getMechanismInfo({ slot: 7, mechanism })).toEqual({ minKeySize, maxKeySize, flags });
  });

  test('that the service pads for itself, or does not have, are not there', async () => {
    for (const mechanism of [ck.CKM_RSA_X_509, ck.CKM_SHA1_RSA_PKCS, ck.CKM_AES_GCM]) {
      expect(await codeOf(() => application.getMechanismInfo({ slot: 7, mechanism }))).toBe(ck.CKR_MECHANISM_INVALID);
    }
  });
});

describe('random numbers', () => {
  test('come from the HSM, as many as were asked for', async () => {
    const { library, hsm } = setUp();
    const client = await Client.open(library);
    for (const length of [0, 1, 300]) {
      expect((await client.application.generateRandom({ session: 1, length })).bytes).toHaveLength(length);
    }
    expect(hsm.count('random')).toBe(2);
  });

  test('come from the library’s own generator before a login', async () => {
    const { library, hsm } = setUp();
    const client = await Client.open(library, { login: false });
    expect((await client.application.generateRandom({ session: 1, length: 8 })).bytes).toHaveLength(8);
    expect(hsm.requests).toEqual([]);
  });

  test('more than an answer holds are refused, and so is a seed', async () => {
    const { application: it } = await Client.open(setUp().library);
    expect(await codeOf(() => it.generateRandom({ session: 1, length: 2 ** 20 }))).toBe(ck.CKR_ARGUMENTS_BAD);
    expect(await codeOf(() => it.seedRandom({ session: 1, seed: new Uint8Array(32) }))).toBe(
      ck.CKR_RANDOM_SEED_NOT_SUPPORTED,
    );
  });
});
