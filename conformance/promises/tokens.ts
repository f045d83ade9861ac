/** General purpose, slots and tokens (sections 5.4 and 5.5). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { bare, equal, holds, RO, RW } from '../client.ts';
import { privateKey, publicKey } from '../keys.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';
import { signatureSchemes } from '../signature-schemes.ts';

const unknownSlot = fc.integer({ min: 0x10000, max: 0x7ffffffe });
const unknownMechanism = fc.integer({ min: 0x7000_0000, max: 0x7fff_ffff });

export const tokenPromises: readonly Promised[] = [
  promise({
    id: 'initialize-twice',
    title: 'A second C_Initialize is CKR_CRYPTOKI_ALREADY_INITIALIZED and changes nothing',
    spec: '5.4 C_Initialize',
    by: 'standard',
    needs: 'module',
    check: async (client) => {
      const session = await client.open();
      await client.gives(ck.CKR_CRYPTOKI_ALREADY_INITIALIZED, 'initialize', {});
      await client.ok('getSessionInfo', { session });
    },
  }),
  promise({
    id: 'finalize-ends-all',
    title: 'C_Finalize ends sessions and login; before the next C_Initialize everything is refused',
    spec: '5.4 C_Finalize',
    by: 'standard',
    needs: 'module',
    check: async (client) => {
      const session = await client.enter();
      const { slot } = client.subject;
      await client.ok('finalize', {});
      const refused = ck.CKR_CRYPTOKI_NOT_INITIALIZED;
      await client.gives(refused, 'finalize', {});
      await client.gives(refused, 'getSlotList', { tokenPresent: true });
      await client.gives(refused, 'openSession', { slot, flags: RW });
      await client.gives(refused, 'getSessionInfo', { session });
      await client.gives(refused, 'findObjectsInit', { session, template: [] });
      await client.ok('initialize', {});
      await client.gives(ck.CKR_SESSION_HANDLE_INVALID, 'getSessionInfo', { session });
      equal(await client.state(await client.open()), ck.CKS_RW_PUBLIC_SESSION, 'the state of a new session');
    },
  }),
  promise({
    id: 'slot-list',
    title: 'Slots with a token are among all slots, and the list stays as it is',
    spec: '5.5 C_GetSlotList',
    by: 'standard',
    check: async (client) => {
      const all = (await client.ok('getSlotList', { tokenPresent: false })).slots;
      const present = (await client.ok('getSlotList', { tokenPresent: true })).slots;
      holds(present.includes(client.subject.slot), 'the slot of the token is not in the list');
      holds(
        present.every((slot) => all.includes(slot)),
        'a slot with a token is not among all slots',
      );
      equal((await client.ok('getSlotList', { tokenPresent: true })).slots, present, 'the second list');
    },
  }),
  promiseOf({
    id: 'slot-unknown',
    title: 'A slot that does not exist is CKR_SLOT_ID_INVALID',
    spec: '5.1.3; 5.5; 5.6 C_OpenSession',
    by: 'standard',
    given: fc.tuple(unknownSlot, unknownMechanism),
    check: async (client, [slot, mechanism]) => {
      const invalid = ck.CKR_SLOT_ID_INVALID;
      await client.gives(invalid, 'getSlotInfo', { slot });
      await client.gives(invalid, 'getTokenInfo', { slot });
      await client.gives(invalid, 'getMechanismList', { slot });
      await client.gives(invalid, 'getMechanismInfo', { slot, mechanism });
      await client.gives(invalid, 'openSession', { slot, flags: RW });
      await client.gives(invalid, 'closeAllSessions', { slot });
    },
  }),
  promise({
    id: 'slot-info',
    title: 'The slot of a token says that the token is present',
    spec: '3.2 CK_SLOT_INFO; 5.5 C_GetSlotInfo',
    by: 'standard',
    check: async (client) => {
      const { flags } = await client.ok('getSlotInfo', { slot: client.subject.slot });
      holds((flags & ck.CKF_TOKEN_PRESENT) !== 0, 'CKF_TOKEN_PRESENT is not set');
    },
  }),
  promise({
    id: 'token-flags',
    title: 'The token is initialized, has a random number generator, and wants a login',
    spec: '3.2 CK_TOKEN_INFO; 5.5 C_GetTokenInfo',
    by: 'standard',
    check: async (client) => {
      const { flags } = await client.ok('getTokenInfo', { slot: client.subject.slot });
      const promised = ck.CKF_RNG | ck.CKF_LOGIN_REQUIRED | ck.CKF_TOKEN_INITIALIZED | ck.CKF_USER_PIN_INITIALIZED;
      equal(flags & promised, promised, 'the part of the flags that is promised');
    },
  }),
  promiseOf({
    id: 'token-counts-sessions',
    title: 'C_GetTokenInfo counts the sessions of the application, and those that may write',
    spec: '3.2 CK_TOKEN_INFO; 5.5 C_GetTokenInfo',
    by: 'standard',
    given: fc.array(fc.constantFrom(RO, RW), { maxLength: 6 }),
    check: async (client, flags) => {
      const { slot } = client.subject;
      for (const each of flags) await client.open(each);
      const { sessionCount, rwSessionCount } = await client.ok('getTokenInfo', { slot });
      const counts = [sessionCount, rwSessionCount];
      if (counts.every((count) => count === ck.CK_UNAVAILABLE_INFORMATION)) return;
      equal(counts, [flags.length, flags.filter((each) => each === RW).length], 'sessions and those that may write');
    },
  }),
  promise({
    id: 'mechanism-list',
    title: 'Each mechanism is listed once, and each has its information',
    spec: '5.5 C_GetMechanismList, C_GetMechanismInfo',
    by: 'standard',
    check: async (client) => {
      const { slot } = client.subject;
      const { mechanisms } = await client.ok('getMechanismList', { slot });
      equal(new Set(mechanisms).size, mechanisms.length, 'the number of different mechanisms');
      for (const mechanism of mechanisms) {
        const { minKeySize, maxKeySize } = await client.ok('getMechanismInfo', { slot, mechanism });
        holds(minKeySize <= maxKeySize, `mechanism 0x${mechanism.toString(16)} has its key sizes the wrong way round`);
      }
    },
  }),
  promiseOf({
    id: 'mechanism-unknown',
    title: 'A mechanism that is not listed is CKR_MECHANISM_INVALID, for its information and for each start',
    spec: '5.5 C_GetMechanismInfo; 5.10 to 5.14',
    by: 'standard',
    given: unknownMechanism,
    check: async (client, type) => {
      const { slot } = client.subject;
      const session = await client.enter();
      const invalid = ck.CKR_MECHANISM_INVALID;
      const mechanism = bare(type);
      const scheme = signatureSchemes[0];
      if (scheme === undefined) return;
      await client.gives(invalid, 'getMechanismInfo', { slot, mechanism: type });
      await client.gives(invalid, 'digestInit', { session, mechanism });
      const key = await privateKey(client, session, scheme.key);
      await client.gives(invalid, 'signInit', { session, mechanism, key });
      await client.gives(invalid, 'decryptInit', { session, mechanism, key });
      const half = await publicKey(client, session, scheme.key);
      await client.gives(invalid, 'verifyInit', { session, mechanism, key: half });
      await client.gives(invalid, 'encryptInit', { session, mechanism, key: half });
      const templates = { publicTemplate: [], privateTemplate: [] };
      await client.gives(invalid, 'generateKeyPair', { session, mechanism, ...templates });
    },
  }),
  promise({
    id: 'mechanism-flags',
    title: 'What signs and verifies says so: CKF_SIGN and CKF_VERIFY of every mechanism that the promises use',
    spec: '3.5 CK_MECHANISM_INFO; 5.5 C_GetMechanismInfo',
    by: 'standard',
    check: async (client) => {
      const { slot } = client.subject;
      const { mechanisms } = await client.ok('getMechanismList', { slot });
      for (const { mechanism, name } of signatureSchemes) {
        if (!mechanisms.includes(mechanism.type)) continue;
        const { flags } = await client.ok('getMechanismInfo', { slot, mechanism: mechanism.type });
        const promised = ck.CKF_SIGN | ck.CKF_VERIFY;
        equal(flags & promised, promised, `the part of the flags of ${name} that is promised`);
      }
    },
  }),
];
