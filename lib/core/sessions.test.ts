import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { EMPTY, ofText } from '../tags/values.ts';
import { MemoryHsm, unreachable } from './memory-hsm.ts';
import { Client, classIs, codeOf, labelIs, PIN, RO, RW, setUp } from './test-client.ts';

const userType = ck.CKU_USER;
const stateOf = (client: Client, session = client.session) => client.application.getSessionInfo({ session }).state;

describe('sessions', () => {
  test('open without asking the HSM, even when nothing answers', () => {
    const { library, hsm } = setUp();
    const application = library.createApplication();
    application.openSession({ session: 1, slot: 7, flags: RO });
    expect(application.getSessionInfo({ session: 1 })).toEqual({
      slot: 7,
      state: ck.CKS_RO_PUBLIC_SESSION,
      flags: RO,
      deviceError: 0,
    });
    expect(hsm.requests).toEqual([]);
  });

  test('opened again in the same way are the same; in another way, CKR_ARGUMENTS_BAD', async () => {
    const { library } = setUp(new MemoryHsm());
    const application = library.createApplication();
    application.openSession({ session: 1, slot: 7, flags: RW });
    application.digestInit({ session: 1, mechanism: { type: ck.CKM_SHA256, parameter: null } });
    application.openSession({ session: 1, slot: 7, flags: RW });
    expect(application.digest({ session: 1, data: EMPTY, digest: 32 }).digest.length).toBe(32);
    expect(await codeOf(() => application.openSession({ session: 1, slot: 7, flags: RO }))).toBe(ck.CKR_ARGUMENTS_BAD);
    expect(await codeOf(() => application.openSession({ session: 0, slot: 7, flags: RO }))).toBe(ck.CKR_ARGUMENTS_BAD);
  });

  test('need CKF_SERIAL_SESSION and a slot that exists', async () => {
    const application = setUp().library.createApplication();
    expect(await codeOf(() => application.openSession({ session: 1, slot: 7, flags: 0 }))).toBe(
      ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED,
    );
    expect(await codeOf(() => application.openSession({ session: 1, slot: 8, flags: RO }))).toBe(
      ck.CKR_SLOT_ID_INVALID,
    );
  });

  test('above the allowance give CKR_SESSION_COUNT, those that are open stay, and closing makes room', async () => {
    let left = 2;
    const allowance = { take: () => left > 0 && left-- > 0, give: () => void left++ };
    const application = setUp().library.createApplication(allowance);
    const open = (session: number) => codeOf(() => application.openSession({ session, slot: 7, flags: RO }));
    expect([await open(1), await open(2), await open(2)]).toEqual([ck.CKR_OK, ck.CKR_OK, ck.CKR_OK]);
    expect(await open(3)).toBe(ck.CKR_SESSION_COUNT);
    application.closeSession({ session: 1 });
    expect([await open(3), await open(4)]).toEqual([ck.CKR_OK, ck.CKR_SESSION_COUNT]);
    application.closeAllSessions({ slot: 7 });
    expect(left).toBe(2);
  });

  test('that are closed or never were give CKR_SESSION_HANDLE_INVALID', async () => {
    const { application, session } = await Client.open(setUp().library);
    application.closeSession({ session });
    for (const handle of [session, 99]) {
      expect(await codeOf(() => application.getSessionInfo({ session: handle }))).toBe(ck.CKR_SESSION_HANDLE_INVALID);
      expect(await codeOf(() => application.closeSession({ session: handle }))).toBe(ck.CKR_SESSION_HANDLE_INVALID);
    }
  });

  test('of one application are not another’s', async () => {
    const { library } = setUp();
    await Client.open(library);
    const other = library.createApplication();
    expect(await codeOf(() => other.getSessionInfo({ session: 1 }))).toBe(ck.CKR_SESSION_HANDLE_INVALID);
  });

  test('are counted in the token information of their application', async () => {
    const { application } = await Client.open(setUp().library);
    application.openSession({ session: 2, slot: 7, flags: RO });
    expect(application.getTokenInfo({ slot: 7 })).toMatchObject({ sessionCount: 2, rwSessionCount: 1 });
    application.closeAllSessions({ slot: 7 });
    expect(application.getTokenInfo({ slot: 7 })).toMatchObject({ sessionCount: 0, rwSessionCount: 0 });
  });
});

describe('login', () => {
  test('holds for all sessions of the application, and for no other application', async () => {
    const { library } = setUp();
    const client = await Client.open(library);
    client.application.openSession({ session: 2, slot: 7, flags: RO });
    expect([stateOf(client), stateOf(client, 2)]).toEqual([ck.CKS_RW_USER_FUNCTIONS, ck.CKS_RO_USER_FUNCTIONS]);
    const other = await Client.open(library, { login: false });
    expect(stateOf(other)).toBe(ck.CKS_RW_PUBLIC_SESSION);
  });

  test('reads the key list in the background, and the search after it waits for that', async () => {
    const { library, hsm } = setUp();
    hsm.addKey({ name: 'web' });
    const release = hsm.hold('listKeys');
    const client = await Client.open(library);
    expect(hsm.requests).toEqual(['authenticate', 'listKeys']);
    release();
    expect(await client.find(labelIs('web'), classIs(ck.CKO_PRIVATE_KEY))).toHaveLength(1);
  });

  test('gives CKR_PIN_INCORRECT as the identity does, and leaves the session public', async () => {
    const client = await Client.open(setUp().library, { login: false });
    for (const pin of [ofText('client:wrong'), ofText('1234'), EMPTY, null]) {
      expect(await codeOf(() => client.application.login({ session: 1, userType, pin }))).toBe(ck.CKR_PIN_INCORRECT);
    }
    expect(stateOf(client)).toBe(ck.CKS_RW_PUBLIC_SESSION);
  });

  test('passes the HSM’s error on', async () => {
    const { library, hsm } = setUp();
    hsm.fail('authenticate', unreachable());
    const client = await Client.open(library, { login: false });
    expect(await codeOf(() => client.application.login({ session: 1, userType, pin: PIN }))).toBe(ck.CKR_DEVICE_ERROR);
  });

  test.each(['client:secret\n', 'client:secret\r\n'])('takes %j without its line end', async (pin) => {
    const { library, hsm } = setUp();
    hsm.addKey({ name: 'web' });
    const client = await Client.open(library, { login: false });
    await client.application.login({ session: 1, userType, pin: ofText(pin) });
    const same = await Client.open(library);
    for (const it of [same, client]) await it.find(classIs(ck.CKO_PUBLIC_KEY));
    expect(hsm.count('listKeys')).toBe(1);
  });

  test('twice is CKR_USER_ALREADY_LOGGED_IN, at the same time too', async () => {
    const client = await Client.open(setUp().library, { login: false });
    const attempt = () => codeOf(() => client.application.login({ session: 1, userType, pin: PIN }));
    const both = await Promise.all([attempt(), attempt()]);
    expect(both.sort()).toEqual([ck.CKR_OK, ck.CKR_USER_ALREADY_LOGGED_IN]);
    expect(await attempt()).toBe(ck.CKR_USER_ALREADY_LOGGED_IN);
  });

  test('of other users is refused with the code for each', async () => {
    const client = await Client.open(setUp().library, { login: false });
    const attempt = (user: number) => codeOf(() => client.application.login({ session: 1, userType: user, pin: PIN }));
    expect(await attempt(ck.CKU_SO)).toBe(ck.CKR_PIN_LOCKED);
    expect(await attempt(ck.CKU_CONTEXT_SPECIFIC)).toBe(ck.CKR_OPERATION_NOT_INITIALIZED);
    expect(await attempt(3)).toBe(ck.CKR_USER_TYPE_INVALID);
    client.application.openSession({ session: 2, slot: 7, flags: RO });
    expect(await attempt(ck.CKU_SO)).toBe(ck.CKR_SESSION_READ_ONLY_EXISTS);
    await attempt(ck.CKU_USER);
    expect(await attempt(ck.CKU_SO)).toBe(ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
  });

  test('ends with the last session of the token', async () => {
    const client = await Client.open(setUp().library);
    client.application.openSession({ session: 2, slot: 7, flags: RW });
    client.application.closeSession({ session: 1 });
    expect(stateOf(client, 2)).toBe(ck.CKS_RW_USER_FUNCTIONS);
    client.application.closeSession({ session: 2 });
    client.application.openSession({ session: 3, slot: 7, flags: RW });
    expect(stateOf(client, 3)).toBe(ck.CKS_RW_PUBLIC_SESSION);
  });

  test('does not happen for a session that was closed meanwhile', async () => {
    const { library, hsm } = setUp();
    const client = await Client.open(library, { login: false });
    const release = hsm.hold('authenticate');
    const attempt = codeOf(() => client.application.login({ session: 1, userType, pin: PIN }));
    client.application.closeSession({ session: 1 });
    release();
    expect(await attempt).toBe(ck.CKR_SESSION_CLOSED);
    client.application.openSession({ session: 2, slot: 7, flags: RW });
    expect(stateOf(client, 2)).toBe(ck.CKS_RW_PUBLIC_SESSION);
  });
});

describe('logout', () => {
  test('ends what needs the login', async () => {
    const { library } = setUp();
    const client = await Client.open(library);
    const { privateKey } = await client.generateEc('web');
    const mechanism = { type: ck.CKM_ECDSA, parameter: null };
    await client.application.signInit({ session: 1, mechanism, key: privateKey });
    client.application.logout({ session: 1 });
    expect(stateOf(client)).toBe(ck.CKS_RW_PUBLIC_SESSION);
    expect(await codeOf(() => client.application.sign({ session: 1, data: new Uint8Array(32), signature: 64 }))).toBe(
      ck.CKR_OPERATION_NOT_INITIALIZED,
    );
    expect(await codeOf(() => client.application.signInit({ session: 1, mechanism, key: privateKey }))).toBe(
      ck.CKR_USER_NOT_LOGGED_IN,
    );
    expect(await codeOf(() => client.get(privateKey, ck.CKA_LABEL))).toBe(ck.CKR_OBJECT_HANDLE_INVALID);
    expect(await client.find()).toEqual([]);
    expect(await codeOf(() => client.application.logout({ session: 1 }))).toBe(ck.CKR_USER_NOT_LOGGED_IN);
  });
});

describe('a token with an identity of its own', () => {
  test('needs no login: its keys are there at once', async () => {
    const { library, hsm } = setUp(new MemoryHsm({ own: true }));
    hsm.addKey({ name: 'web' });
    const client = await Client.open(library, { login: false });
    expect(client.application.getTokenInfo({ slot: 7 }).flags & ck.CKF_LOGIN_REQUIRED).toBe(0);
    expect(await client.find()).toHaveLength(2);
    const key = await client.findOne(classIs(ck.CKO_PRIVATE_KEY));
    expect(await client.sign(key, ck.CKM_ECDSA, new Uint8Array(32))).toHaveLength(64);
  });

  test('takes the empty PIN as that identity', async () => {
    const { library, hsm } = setUp(new MemoryHsm({ own: true }));
    hsm.addKey({ name: 'web' });
    for (const pin of [null, EMPTY]) {
      const client = await Client.open(library, { login: false });
      await client.application.login({ session: 1, userType, pin });
      expect(stateOf(client)).toBe(ck.CKS_RW_USER_FUNCTIONS);
      expect(await client.find()).toHaveLength(2);
    }
  });
});

describe('resuming after a fork or a restart', () => {
  test('asks nobody, and the old handles work in a new library', async () => {
    const { library, hsm } = setUp();
    const { privateKey } = await (await Client.open(library)).generateEc('web');
    hsm.requests.length = 0;

    const resumed = await Client.open(setUp(hsm).library, { login: false });
    resumed.application.resumeLogin({ slot: 7, userType, pin: PIN });
    expect([hsm.requests, stateOf(resumed)]).toEqual([[], ck.CKS_RW_USER_FUNCTIONS]);
    expect(await resumed.sign(privateKey, ck.CKM_ECDSA, new Uint8Array(32))).toHaveLength(64);
  });

  test('again changes nothing, not even an operation', async () => {
    const client = await Client.open(setUp().library);
    const { privateKey } = await client.generateEc('web');
    await client.application.signInit({
      session: 1,
      mechanism: { type: ck.CKM_ECDSA, parameter: null },
      key: privateKey,
    });
    client.application.resumeLogin({ slot: 7, userType, pin: PIN });
    const { signature } = await client.application.sign({ session: 1, data: new Uint8Array(32), signature: 64 });
    expect(signature.length).toBe(64);
  });
});
