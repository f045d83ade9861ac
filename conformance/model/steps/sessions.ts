/** Applications, sessions and logins (5.4 and 5.6). */

import * as ck from '../../../lib/pkcs11/constants.ts';
import { equal } from '../../client.ts';
import type { ModelToken } from '../objects.ts';
import type { Real } from '../real.ts';
import type { Model, ModelApplication } from '../state.ts';
import { anySession, codeIn, codeOf, inSession, onToken, pick, Step, whereLoggedIn } from '../step.ts';

const { CKR_OK } = ck;

type Act = (model: Model, real: Real, application: ModelApplication, token: ModelToken) => Promise<void>;

/** A step of an application with a token, in no session. */
function onSlot(words: string, application: number, token: number, act: Act, concernsAll = false): Step {
  const placeIn = (model: Model) => {
    const own = pick(model.tokens, token);
    return own === undefined || concernsAll ? undefined : { token: own, session: undefined };
  };
  return new Step(
    `${words} of application ${application}, slot ${token}`,
    async (model, real) => {
      const [by, on] = [pick(model.applications, application), pick(model.tokens, token)];
      if (by !== undefined && on !== undefined) await act(model, real, by, on);
    },
    placeIn,
  );
}

/** A process of its own; it has called nothing. As many as three, where the subject can have them. */
export const startApplication = () =>
  new Step('start an application', async (model, real) => {
    if (real.subject.startBeside === undefined || model.applications.length >= 3) return;
    real.startBeside();
    model.start();
  });

/** A child that goes on beside its parent. */
export const fork = (application: number) =>
  onSlot(
    'fork',
    application,
    0,
    async (model, real, by) => {
      if (real.subject.forks === true && model.applications.length < 3) await real.fork(by, model.fork(by));
    },
    true,
  );

export const initialize = (application: number) =>
  onSlot(
    'initialize',
    application,
    0,
    async (model, real, by) => {
      const code = model.initialize(by);
      if (code === CKR_OK) real.forget(by);
      await real.client(by).gives(code, 'initialize', {});
    },
    true,
  );

export const finalize = (application: number) =>
  onSlot(
    'finalize',
    application,
    0,
    async (model, real, by) => {
      await real.client(by).gives(codeIn(by), 'finalize', {});
      model.finalize(by);
      real.forget(by);
    },
    true,
  );

/** Sessions are numbered as they are opened, so this is never made at the same time as another. */
export const openSession = (application: number, token: number, flags: number) =>
  onSlot(
    `open ${flags}`,
    application,
    token,
    async (model, real, by, on) => {
      const { slot } = real.token(on);
      const { values } = await real.client(by).answers(codeIn(by), 'openSession', { slot, flags });
      if (values !== undefined) real.keepSession(model.open(by, on, flags), values.session);
    },
    true,
  );

export const closeAllSessions = (application: number, token: number) =>
  onSlot('close all', application, token, async (model, real, by, on) => {
    await real.client(by).gives(codeIn(by), 'closeAllSessions', { slot: real.token(on).slot });
    model.closeAll(by, on);
  });

export const countSessions = (application: number, token: number) =>
  onSlot('count', application, token, async (model, real, by, on) => {
    const { values } = await real.client(by).answers(codeIn(by), 'getTokenInfo', { slot: real.token(on).slot });
    const open = model.openSessions(by, on);
    if (values === undefined || values.sessionCount === ck.CK_UNAVAILABLE_INFORMATION) return;
    equal(values.sessionCount, open.length, 'the number of sessions');
    equal(values.rwSessionCount, open.filter(({ isReadWrite }) => isReadWrite).length, 'that of read/write sessions');
  });

export const closeSession = (which: number) =>
  onToken('close', which, anySession, async ({ model, session, handle, client }) => {
    const code = codeOf(session, () => CKR_OK);
    if ((await client.gives(code, 'closeSession', { session: handle })) === CKR_OK) model.close(session);
  });

export const readState = (which: number) =>
  inSession('state', which, anySession, async ({ real, session, handle, client }) => {
    const code = codeOf(session, () => CKR_OK);
    const { values } = await client.answers(code, 'getSessionInfo', { session: handle });
    if (values === undefined) return;
    const told = [values.slot, values.flags, values.state];
    equal(told, [real.token(session.token).slot, session.flags, session.state], 'slot, flags and state');
  });

export const login = (which: number, isRight: boolean) =>
  onToken(
    isRight ? 'login' : 'login with a wrong PIN',
    which,
    ({ view }) => !view.isLoggedIn,
    async ({ real, session, handle, client }) => {
      const { application, token, view } = session;
      const { pin, wrongPin } = real.token(token);
      const code = codeOf(session, () => {
        if (view.isLoggedIn) return ck.CKR_USER_ALREADY_LOGGED_IN;
        return isRight ? CKR_OK : ck.CKR_PIN_INCORRECT;
      });
      const request = { session: handle, userType: ck.CKU_USER, pin: isRight ? pin : wrongPin };
      if ((await client.gives(code, 'login', request)) !== CKR_OK) return;
      view.isLoggedIn = true;
      for (const object of token.objects) view.known.add(object);
      await real.findObjects(application, token);
    },
  );

export const logout = (which: number) =>
  onToken('logout', which, whereLoggedIn, async ({ model, session, handle, client }) => {
    const { isLoggedIn } = session.view;
    const code = codeOf(session, () => (isLoggedIn ? CKR_OK : model.rules.logoutWithoutLogin));
    if ((await client.gives(code, 'logout', { session: handle })) === CKR_OK) model.logout(session);
  });
