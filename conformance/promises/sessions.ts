/** Sessions and logins (Usage Guide: sessions; section 5.6). */

import * as fc from 'fast-check';
import * as ck from '../../lib/pkcs11/constants.ts';
import { bare, equal, holds, RO, RW } from '../client.ts';
import { type Promised, promise, promiseOf } from '../promise.ts';

const sessionFlags = fc.constantFrom(RO, RW);
const someSessions = fc.array(sessionFlags, { minLength: 1, maxLength: 8 });

const stateOf = (flags: number, isLoggedIn: boolean): number => {
  if (flags === RW) return isLoggedIn ? ck.CKS_RW_USER_FUNCTIONS : ck.CKS_RW_PUBLIC_SESSION;
  return isLoggedIn ? ck.CKS_RO_USER_FUNCTIONS : ck.CKS_RO_PUBLIC_SESSION;
};

const SOME = Uint8Array.of(1, 2, 3);

export const sessionPromises: readonly Promised[] = [
  promise({
    id: 'session-serial',
    title: 'A session without CKF_SERIAL_SESSION is refused',
    spec: '5.6 C_OpenSession',
    by: 'standard',
    check: async (client) => {
      const { slot } = client.subject;
      for (const flags of [0, ck.CKF_RW_SESSION]) {
        await client.gives(ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED, 'openSession', { slot, flags });
      }
    },
  }),
  promiseOf({
    id: 'session-handles-differ',
    title: 'Open sessions have handles of their own, and none is CK_INVALID_HANDLE',
    spec: '5.6 C_OpenSession',
    by: 'standard',
    given: someSessions,
    check: async (client, flags) => {
      const handles: number[] = [];
      for (const each of flags) handles.push(await client.open(each));
      equal(new Set(handles).size, handles.length, 'the number of different handles');
      holds(!handles.includes(ck.CK_INVALID_HANDLE), 'a session has the handle CK_INVALID_HANDLE');
    },
  }),
  promiseOf({
    id: 'session-info',
    title: 'C_GetSessionInfo tells slot, flags and state of each session',
    spec: 'Usage Guide: session states; 5.6 C_GetSessionInfo',
    by: 'standard',
    given: someSessions,
    check: async (client, flags) => {
      for (const each of flags) {
        const session = await client.open(each);
        const info = await client.ok('getSessionInfo', { session });
        equal([info.slot, info.flags, info.state], [client.subject.slot, each, stateOf(each, false)], 'what it tells');
      }
    },
  }),
  promiseOf({
    id: 'login-is-shared',
    title: 'A login holds for every session of the application, those opened later too',
    spec: 'Usage Guide: session events; 5.6 C_Login',
    by: 'standard',
    given: fc.record({ before: someSessions, after: someSessions, by: fc.nat() }),
    check: async (client, { before, after, by }) => {
      const sessions: { handle: number; flags: number }[] = [];
      for (const flags of before) sessions.push({ flags, handle: await client.open(flags) });
      await client.login(sessions[by % sessions.length]?.handle ?? 0);
      for (const flags of after) sessions.push({ flags, handle: await client.open(flags) });
      for (const { handle, flags } of sessions) equal(await client.state(handle), stateOf(flags, true), 'the state');
    },
  }),
  promiseOf({
    id: 'logout-is-shared',
    title: 'A logout through one session is one of all',
    spec: '5.6 C_Logout',
    by: 'standard',
    given: fc.record({ flags: someSessions, by: fc.nat() }),
    check: async (client, { flags, by }) => {
      const handles: number[] = [];
      for (const each of flags) handles.push(await client.open(each));
      await client.login(handles[0] ?? 0);
      await client.ok('logout', { session: handles[by % handles.length] ?? 0 });
      for (const [i, handle] of handles.entries()) {
        equal(await client.state(handle), stateOf(flags[i] ?? RO, false), 'the state');
      }
    },
  }),
  promise({
    id: 'logout-without-login',
    title: 'C_Logout without a login is CKR_USER_NOT_LOGGED_IN',
    spec: '5.6 C_Logout',
    by: 'standard',
    check: async (client) => {
      const session = await client.open();
      await client.gives(ck.CKR_USER_NOT_LOGGED_IN, 'logout', { session });
      await client.login(session);
      await client.ok('logout', { session });
      await client.gives(ck.CKR_USER_NOT_LOGGED_IN, 'logout', { session });
    },
  }),
  promiseOf({
    id: 'login-twice',
    title: 'A second login of the user is CKR_USER_ALREADY_LOGGED_IN and changes nothing',
    spec: '5.6 C_Login',
    by: 'standard',
    given: someSessions,
    check: async (client, flags) => {
      const first = await client.enter(flags[0]);
      const session = await client.open(flags.at(-1));
      const request = { session, userType: ck.CKU_USER, pin: client.subject.pin };
      await client.gives(ck.CKR_USER_ALREADY_LOGGED_IN, 'login', request);
      equal(await client.state(first), stateOf(flags[0] ?? RO, true), 'the state');
    },
  }),
  promise({
    id: 'login-wrong-pin',
    title: 'A wrong PIN is CKR_PIN_INCORRECT, and nobody is logged in',
    spec: '5.6 C_Login',
    by: 'standard',
    check: async (client) => {
      const session = await client.open();
      const request = { session, userType: ck.CKU_USER, pin: client.subject.wrongPin };
      await client.gives(ck.CKR_PIN_INCORRECT, 'login', request);
      equal(await client.state(session), ck.CKS_RW_PUBLIC_SESSION, 'the state');
      await client.login(session);
    },
  }),
  promiseOf({
    id: 'login-user-type',
    title: 'A user type that does not exist is CKR_USER_TYPE_INVALID',
    spec: '5.6 C_Login',
    by: 'standard',
    given: fc.integer({ min: 3, max: 0x7fffffff }),
    check: async (client, userType) => {
      const session = await client.open();
      await client.gives(ck.CKR_USER_TYPE_INVALID, 'login', { session, userType, pin: client.subject.pin });
    },
  }),
  promise({
    id: 'login-officer-read-only',
    title: 'The security officer is refused while a read-only session is open',
    spec: 'Usage Guide: session states; 5.6 C_Login',
    by: 'standard',
    check: async (client) => {
      await client.open(RO);
      const session = await client.open(RW);
      const request = { session, userType: ck.CKU_SO, pin: client.subject.pin };
      await client.gives(ck.CKR_SESSION_READ_ONLY_EXISTS, 'login', request);
      equal(await client.state(session), ck.CKS_RW_PUBLIC_SESSION, 'the state');
    },
  }),
  promise({
    id: 'login-officer-after-user',
    title: 'The security officer is refused while the user is logged in',
    spec: '5.6 C_Login',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter(RW);
      const request = { session, userType: ck.CKU_SO, pin: client.subject.pin };
      await client.gives(ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN, 'login', request);
    },
  }),
  promise({
    id: 'login-context-specific',
    title: 'A context specific login without an operation that asks for one is CKR_OPERATION_NOT_INITIALIZED',
    spec: '5.6 C_Login',
    by: 'standard',
    check: async (client) => {
      const session = await client.enter(RW);
      const request = { session, userType: ck.CKU_CONTEXT_SPECIFIC, pin: client.subject.pin };
      await client.gives(ck.CKR_OPERATION_NOT_INITIALIZED, 'login', request);
    },
  }),
  promiseOf({
    id: 'close-one',
    title: 'C_CloseSession closes that session alone, and the others keep their login',
    spec: '5.6 C_CloseSession',
    by: 'standard',
    given: fc.record({ flags: fc.array(sessionFlags, { minLength: 2, maxLength: 6 }), which: fc.nat() }),
    check: async (client, { flags, which }) => {
      const handles: number[] = [];
      for (const each of flags) handles.push(await client.open(each));
      await client.login(handles[0] ?? 0);
      const closed = which % handles.length;
      await client.ok('closeSession', { session: handles[closed] ?? 0 });
      for (const [i, session] of handles.entries()) {
        if (i === closed) await client.gives(ck.CKR_SESSION_HANDLE_INVALID, 'getSessionInfo', { session });
        else equal(await client.state(session), stateOf(flags[i] ?? RO, true), 'the state');
      }
    },
  }),
  promiseOf({
    id: 'close-last-logs-out',
    title: 'Closing the last session of a token logs the user out',
    spec: '5.6 C_CloseSession',
    by: 'standard',
    given: someSessions,
    check: async (client, flags) => {
      const handles: number[] = [];
      for (const each of flags) handles.push(await client.open(each));
      await client.login(handles[0] ?? 0);
      for (const session of handles) await client.ok('closeSession', { session });
      equal(await client.state(await client.open(RW)), ck.CKS_RW_PUBLIC_SESSION, 'the state of a new session');
    },
  }),
  promiseOf({
    id: 'close-all',
    title: 'C_CloseAllSessions closes every session of the slot and logs the user out',
    spec: '5.6 C_CloseAllSessions',
    by: 'standard',
    given: someSessions,
    check: async (client, flags) => {
      const { slot } = client.subject;
      const handles: number[] = [];
      for (const each of flags) handles.push(await client.open(each));
      await client.login(handles[0] ?? 0);
      await client.ok('closeAllSessions', { slot });
      for (const session of handles) await client.gives(ck.CKR_SESSION_HANDLE_INVALID, 'getSessionInfo', { session });
      equal(await client.state(await client.open(RW)), ck.CKS_RW_PUBLIC_SESSION, 'the state of a new session');
      await client.ok('closeAllSessions', { slot });
      await client.ok('closeAllSessions', { slot });
    },
  }),
  promiseOf({
    id: 'session-unknown',
    title: 'Every function refuses a session that is not open with CKR_SESSION_HANDLE_INVALID',
    spec: '5.1.2; 5.6',
    by: 'standard',
    given: fc.integer({ min: 100_000, max: 0x7fffffff }),
    check: async (client, session) => {
      await client.open();
      const invalid = ck.CKR_SESSION_HANDLE_INVALID;
      const mechanism = bare(ck.CKM_SHA256);
      await client.gives(invalid, 'closeSession', { session });
      await client.gives(invalid, 'getSessionInfo', { session });
      await client.gives(invalid, 'login', { session, userType: ck.CKU_USER, pin: client.subject.pin });
      await client.gives(invalid, 'logout', { session });
      await client.gives(invalid, 'findObjectsInit', { session, template: [] });
      await client.gives(invalid, 'findObjects', { session, max: 1 });
      await client.gives(invalid, 'findObjectsFinal', { session });
      const queries = [{ type: ck.CKA_LABEL, capacity: 100 }];
      await client.gives(invalid, 'getAttributeValue', { session, object: 1, queries });
      await client.gives(invalid, 'destroyObject', { session, object: 1 });
      await client.gives(invalid, 'signInit', { session, mechanism: bare(ck.CKM_ECDSA), key: 1 });
      await client.gives(invalid, 'sign', { session, data: SOME, signature: 100 });
      await client.gives(invalid, 'signUpdate', { session, part: SOME });
      await client.gives(invalid, 'signFinal', { session, signature: 100 });
      await client.gives(invalid, 'verifyInit', { session, mechanism: bare(ck.CKM_ECDSA), key: 1 });
      await client.gives(invalid, 'verify', { session, data: SOME, signature: SOME });
      await client.gives(invalid, 'digestInit', { session, mechanism });
      await client.gives(invalid, 'digest', { session, data: SOME, digest: 100 });
      await client.gives(invalid, 'generateRandom', { session, length: 8 });
    },
  }),
];
