/** The state machine as a promise: any course of calls is answered as the model predicts. */

import * as fc from 'fast-check';
import { RO, ROOM, RW } from '../client.ts';
import { HASHES, p256Key, rsaKey, testKeys } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { signatureSchemes } from '../signature-schemes.ts';
import { Real } from './real.ts';
import { Model, ourRules, softhsmRules } from './state.ts';
import * as steps from './steps.ts';

const which = fc.nat({ max: 4 });
const key = fc.constantFrom(...testKeys);
const hash = fc.constantFrom(...HASHES);
const text = fc.uint8Array({ minLength: 1, maxLength: 60 });
const room = fc.constantFrom(1, ROOM, ROOM, ROOM);
/** One scheme of each kind that every subject has. */
const schemes = signatureSchemes.filter(
  (each) => (each.key === rsaKey || (each.key === p256Key && !each.hashes)) && each.hash === HASHES[0],
);
const scheme = fc.constantFrom(...schemes);
const label = fc.constantFrom('renamed', 'renamed again', 'ä€', p256Key.label);

/** As often as they are named. */
const anyStep: fc.Arbitrary<steps.Step>[] = [
  fc.constantFrom(RO, RW).map(steps.openSession),
  fc.constant(RW).map(steps.openSession),
  which.map(steps.closeSession),
  fc.constant(undefined).map(steps.closeAllSessions),
  which.map(steps.readState),
  fc.tuple(which, fc.constantFrom(true, true, true, false)).map(([at, isRight]) => steps.login(at, isRight)),
  which.map((at) => steps.login(at, true)),
  which.map(steps.logout),
  fc.tuple(which, key).map((args) => steps.findInit(...args)),
  fc.tuple(which, fc.integer({ min: 1, max: 3 })).map((args) => steps.find(...args)),
  which.map(steps.findFinal),
  fc.tuple(which, hash).map((args) => steps.digestInit(...args)),
  fc.tuple(which, text).map((args) => steps.digestUpdate(...args)),
  fc.tuple(which, room).map((args) => steps.digestFinal(...args)),
  fc.tuple(which, scheme).map((args) => steps.signInit(...args)),
  fc.tuple(which, text).map((args) => steps.signUpdate(...args)),
  fc.tuple(which, room).map((args) => steps.signFinal(...args)),
  fc.tuple(which, text, room).map((args) => steps.sign(...args)),
  fc.tuple(which, scheme).map((args) => steps.verifyInit(...args)),
  fc.tuple(which, text).map((args) => steps.verify(...args)),
  fc.tuple(which, key).map((args) => steps.readLabel(...args)),
  fc.tuple(which, key, label).map((args) => steps.setLabel(...args)),
];

export const machinePromises: readonly Promised[] = [
  promiseOf({
    id: 'state-machine',
    title: 'Any course of calls over sessions, login, objects and operations is answered as the model predicts',
    spec: 'Usage Guide: sessions; 5.4 to 5.12; conformance/model/state.ts',
    by: 'standard',
    given: fc.commands(anyStep, { maxCommands: 40, size: 'max' }),
    check: async (client, commands) => {
      const model = new Model(client.subject.isOurs ? ourRules : softhsmRules);
      const real = new Real(client);
      try {
        await fc.asyncModelRun(() => ({ model, real }), commands);
      } finally {
        await real.restoreLabels(model);
      }
    },
  }),
];
