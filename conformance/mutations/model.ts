/** Errors of the model itself: what it predicts has to be held against the answers, or it proves nothing. */

import type { Mutation } from './mutation.ts';

const ofMachine: readonly Mutation[] = [
  {
    name: 'model-states-swapped',
    file: 'conformance/model/state.ts',
    search: 'return isLoggedIn ? ck.CKS_RW_USER_FUNCTIONS : ck.CKS_RW_PUBLIC_SESSION;',
    replace: 'return isLoggedIn ? ck.CKS_RW_PUBLIC_SESSION : ck.CKS_RW_USER_FUNCTIONS;',
    broken: 'a read/write session is predicted to be in the other state',
  },
  {
    name: 'model-login-outlives-sessions',
    file: 'conformance/model/state.ts',
    search: 'session.view.isLoggedIn = false;\n    session.view.known.clear();',
    replace: 'session.view.known.clear();',
    broken: 'the login is predicted to stay when the last session is closed',
  },
  {
    name: 'model-logout-does-nothing',
    file: 'conformance/model/state.ts',
    search: 'view.isLoggedIn = false;\n    for (const session of',
    replace: 'for (const session of',
    broken: 'a logout is predicted to leave the login as it is',
  },
  {
    name: 'model-initialize-twice',
    file: 'conformance/model/state.ts',
    search: 'if (application.isInitialized && !startsAnew) return ck.CKR_CRYPTOKI_ALREADY_INITIALIZED;',
    replace: '',
    broken: 'a second C_Initialize is predicted to succeed',
  },
  {
    name: 'model-finalize-keeps-sessions',
    file: 'conformance/model/state.ts',
    search: 'for (const token of this.tokens) this.closeAll(application, token);',
    replace: '',
    broken: 'sessions are predicted to outlive C_Finalize',
  },
  {
    name: 'model-one-kind-at-a-time',
    file: 'conformance/model/rules.ts',
    search: 'kindsSideBySide: true,',
    replace: 'kindsSideBySide: false,',
    broken: 'operations of two kinds are predicted to be in the way of each other',
  },
  {
    name: 'model-private-use-stays',
    file: 'conformance/model/rules.ts',
    search: 'privateUseReplaces: true,',
    replace: 'privateUseReplaces: false,',
    broken: 'C_SignInit is predicted to be refused where a signature was begun',
  },
  {
    name: 'model-exact-buffer-too-small',
    file: 'conformance/model/output.ts',
    search: 'capacity !== null && capacity < needed ? ck.CKR_BUFFER_TOO_SMALL : ck.CKR_OK',
    replace: 'capacity !== null && capacity <= needed ? ck.CKR_BUFFER_TOO_SMALL : ck.CKR_OK',
    broken: 'a buffer of exactly the needed length is predicted to be too small',
  },
  {
    name: 'model-length-asked-ends',
    file: 'conformance/model/output.ts',
    search: 'rv === ck.CKR_OK && capacity !== null;',
    replace: 'rv === ck.CKR_OK;',
    broken: 'asking for a length is predicted to end the operation',
  },
  {
    name: 'model-search-by-half-label',
    file: 'conformance/model/objects.ts',
    search: 'label: (one, other) => one.label === other.label,',
    replace: 'label: () => true,',
    broken: 'a search by label is predicted to find all labels',
  },
  {
    name: 'model-public-half-stays',
    file: 'conformance/model/steps/objects.ts',
    search: 'if (model.rules.pairIsOne) key.public.isThere = false;',
    replace: '',
    broken: 'the public half is predicted to outlive its private one',
  },
  {
    name: 'model-label-is-kept',
    file: 'conformance/model/steps/objects.ts',
    search: 'if (code === CKR_OK && object !== undefined) object.label = label;',
    replace: '',
    broken: 'a new label is predicted to change nothing',
  },
  {
    name: 'model-wrong-pin-logs-in',
    file: 'conformance/model/steps/sessions.ts',
    search: 'return isRight ? CKR_OK : ck.CKR_PIN_INCORRECT;',
    replace: 'return CKR_OK;',
    broken: 'a wrong PIN is predicted to log in',
  },
];

export const modelMutations: readonly Mutation[] = ofMachine.map((mutation) => ({
  ...mutation,
  promise: 'state-machine',
}));
