/** The state machine as a promise: any course of calls is answered as the model predicts. */

import * as fc from 'fast-check';
import { type Client, RO, RW } from '../client.ts';
import { HASHES, p256Key, rsaKey, testKeys } from '../keys.ts';
import { type Promised, promiseOf } from '../promise.ts';
import { signatureSchemes } from '../signature-schemes.ts';
import { ciphers as allCiphers } from './ciphers.ts';
import { WANTED } from './objects.ts';
import { ROOMS } from './output.ts';
import { Real } from './real.ts';
import { ourRules, softhsmRules } from './rules.ts';
import { Model } from './state.ts';
import type { Step } from './step.ts';
import * as cipher from './steps/ciphers.ts';
import * as digest from './steps/digests.ts';
import * as object from './steps/objects.ts';
import * as session from './steps/sessions.ts';
import * as signature from './steps/signatures.ts';
import { together } from './together.ts';

const which = fc.nat({ max: 63 });
const key = fc.nat({ max: 7 });
const slot = fc.nat({ max: 1 });
/** Most calls are made by the first application. */
const application = fc.constantFrom(0, 0, 0, 1, 2);
const hash = fc.constantFrom(...HASHES);
const text = fc.uint8Array({ minLength: 2, maxLength: 60 });
const room = fc.constantFrom(...ROOMS);
/** Fewer than there are, or more: then what is missing, or too much, shows. */
const most = fc.constantFrom(1, 2, 3, 50);
/** One scheme of each kind that every subject has. */
const schemes = signatureSchemes.filter(
  (each) => (each.key === rsaKey || (each.key === p256Key && !each.hashes)) && each.hash === HASHES[0],
);
const scheme = fc.constantFrom(...schemes);
/** Any attributes, and often a single one, that none of the others hides. */
const wanted = fc.oneof(
  fc.subarray([...WANTED]),
  fc.constantFrom(...WANTED).map((what) => [what]),
);
const ciphers = fc.constantFrom(...allCiphers);
const label = fc.constantFrom('renamed', 'renamed again', 'ä€', p256Key.label);
/** Every other one is of those that steps made and destroyed. */
const anyKey = fc.oneof(key, fc.integer({ min: testKeys.length, max: testKeys.length + 1 }));
const chosen = fc.record({
  key: anyKey,
  half: fc.constantFrom('private', 'public'),
  isOfOtherSlot: fc.constantFrom(false, false, false, true),
});

type Arguments<A extends unknown[]> = { [I in keyof A]: fc.Arbitrary<A[I]> };

/** A step with its arguments. `weight`: how often it is made, beside the others. */
function row<A extends unknown[]>(weight: number, make: (...args: A) => Step, ...args: Arguments<A>) {
  return { weight, arbitrary: (fc.tuple(...args) as fc.Arbitrary<A>).map((values) => make(...values)) };
}
type Row = ReturnType<typeof row>;

const ofApplications: readonly Row[] = [
  row(1, session.startApplication),
  row(2, session.fork, application),
  row(2, session.initialize, application),
  row(1, session.finalize, application),
  row(16, session.openSession, application, slot, fc.constantFrom(RW, RW, RO)),
];

/** Those that can be made at the same time as others. */
const ofSessions: readonly Row[] = [
  row(2, session.closeAllSessions, application, slot),
  row(2, session.countSessions, application, slot),
  row(3, session.closeSession, which),
  row(3, session.readState, which),
  row(12, session.login, which, fc.constantFrom(true, true, true, true, false)),
  row(3, session.logout, which),
  row(10, object.findInit, which, chosen, wanted),
  row(16, object.find, which, most),
  row(2, object.findFinal, which),
  row(4, object.readLabel, which, chosen),
  row(3, object.setLabel, which, chosen, label),
  row(6, object.generate, which),
  row(5, object.destroy, which, chosen),
  row(4, digest.digestInit, which, hash),
  row(3, digest.digestUpdate, which, text),
  row(3, digest.digestFinal, which, room),
  row(3, digest.digest, which, text, room),
  row(6, signature.signInit, which, scheme, key),
  row(3, signature.signUpdate, which, text),
  row(4, signature.signFinal, which, room),
  row(5, signature.sign, which, text, room),
  row(3, signature.verifyInit, which, scheme, key),
  row(4, signature.verifyLast, which),
  row(3, signature.verifyUpdate, which, text),
  row(3, signature.verifyFinal, which),
  row(4, signature.verify, which, text, fc.boolean()),
  row(4, cipher.encryptInit, which, ciphers),
  row(4, cipher.encrypt, which, text, room),
  row(2, cipher.encryptTooMuch, which, fc.integer({ min: 1, max: 50 })),
  row(4, cipher.decryptInit, which, ciphers),
  row(4, cipher.decrypt, which, text, room),
  row(2, cipher.decryptCut, which, fc.integer({ min: 1, max: 255 })),
];
const anyOfSessions = fc.oneof(...ofSessions);
const ofThreads = row(16, together, fc.array(anyOfSessions, { minLength: 2, maxLength: 4 }));

/** As often as they weigh: each step is drawn from all rows. */
const anyStep = fc.oneof(...ofApplications, ...ofSessions, ofThreads);

async function follow(client: Client, commands: Iterable<fc.AsyncCommand<Model, Real>>): Promise<void> {
  const model = new Model(client.subject.isOurs ? ourRules : softhsmRules, client.subject.tokens.length);
  const real = new Real(client);
  try {
    await fc.asyncModelRun(() => ({ model, real }), commands);
  } finally {
    await real.restore(model);
  }
}

export const machinePromises: readonly Promised[] = [
  promiseOf({
    id: 'state-machine',
    title:
      'Any course of calls over slots, sessions, objects, operations, threads and applications is answered as predicted',
    spec: 'Usage Guide: sessions; applications and threads; 5.4 to 5.14; conformance/model/rules.ts',
    by: 'standard',
    given: fc.commands([anyStep], { maxCommands: 100, size: 'max' }),
    check: follow,
  }),
];
