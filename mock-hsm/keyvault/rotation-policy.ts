// Rotation policies: what one may say, and when it is due. Pure.
import { badParameter } from '../service-error.ts';
import { addDuration, dayS, shortestSeconds, timeAfter } from './durations.ts';
import { type Key, newestOf, type RotationPolicy, type RotationTrigger } from './key-model.ts';
import { maxVersions } from './key-ring.ts';
import type { RotationPolicyBody } from './requests.ts';

const shortestLifeDays = 28;
/** Between making and rotating, and between rotating and expiry. */
const shortestWaitDays = 7;

/** Checks a policy of a request. Throws BadParameter. @param nowS when it is set, Unix seconds */
export function readRotationPolicy(
  { attributes, lifetimeActions }: RotationPolicyBody,
  old: RotationPolicy | undefined,
  nowS: number,
): RotationPolicy {
  // Answers say '' for none, and clients send back what they read.
  const expiryTime = attributes?.expiryTime || undefined;
  if (expiryTime !== undefined && shortestSeconds(expiryTime) < shortestLifeDays * dayS) {
    throw badParameter(`expiryTime ${expiryTime} is too short; it must be at least ${shortestLifeDays} days`);
  }
  const actions = (lifetimeActions ?? []).map(({ action, trigger }) => {
    if (!/^rotate$/i.test(action.type)) {
      const reason = /^notify$/i.test(action.type) ? 'is not supported by a managed HSM' : 'is unknown';
      throw badParameter(`lifetimeActions: action type ${action.type.slice(0, 40)} ${reason}; use Rotate`);
    }
    return { trigger: triggerOf(trigger, expiryTime, nowS), action: { type: 'Rotate' as const } };
  });
  if (actions.length > 1) throw badParameter('lifetimeActions: more than one Rotate action');
  const times = { created: old?.attributes.created ?? nowS, updated: nowS };
  return { attributes: { ...(expiryTime === undefined ? {} : { expiryTime }), ...times }, lifetimeActions: actions };
}

/** The body of an answer. A key that has no policy answers one that says nothing, without the policy's id. */
export function rotationPolicyAnswer(id: string, policy: RotationPolicy | undefined) {
  if (policy === undefined) return { attributes: { created: 0, expiryTime: '', updated: 0 }, id: '' };
  const { created, expiryTime = '', updated } = policy.attributes;
  const actions = policy.lifetimeActions.map(({ trigger }) => ({ action: { type: 'rotate' }, trigger }));
  return {
    attributes: { created, expiryTime, updated },
    id,
    ...(actions.length === 0 ? {} : { lifetimeActions: actions }),
  };
}

function triggerOf(
  trigger: { timeAfterCreate?: string | null | undefined; timeBeforeExpiry?: string | null | undefined },
  expiryTime: string | undefined,
  nowS: number,
): RotationTrigger {
  const { timeAfterCreate, timeBeforeExpiry } = trigger;
  if ((timeAfterCreate == null) === (timeBeforeExpiry == null)) {
    throw badParameter('lifetimeActions: a trigger needs either timeAfterCreate or timeBeforeExpiry');
  }
  const expiryS = expiryTime === undefined ? undefined : addDuration(nowS, expiryTime);
  if (timeAfterCreate != null) {
    assertApart('timeAfterCreate', timeAfterCreate, nowS, addDuration(nowS, timeAfterCreate), expiryS);
    return { timeAfterCreate };
  }
  const before = timeBeforeExpiry ?? '';
  if (expiryS === undefined) throw badParameter('timeBeforeExpiry needs attributes.expiryTime');
  assertApart('timeBeforeExpiry', before, nowS, addDuration(expiryS, before, -1), expiryS);
  return { timeBeforeExpiry: before };
}

function assertApart(field: string, value: string, createdS: number, rotateS: number, expiryS: number | undefined) {
  const waitS = shortestWaitDays * dayS;
  if (rotateS - createdS >= waitS && (expiryS === undefined || expiryS - rotateS >= waitS)) return;
  throw badParameter(`${field} ${value} must leave at least ${shortestWaitDays} days after creation and before expiry`);
}

/**
 * When the pool rotates the key next, in Unix seconds; undefined when it never will. A policy that is set on a key past
 * its time counts from then, not from the past.
 */
export function rotationDueS(key: Key): number | undefined {
  const trigger = key.rotationPolicy?.lifetimeActions[0]?.trigger;
  if (key.rotationPolicy === undefined || trigger === undefined) return undefined;
  if (key.deletion !== undefined || key.versions.length >= maxVersions) return undefined;
  return dueOf(newestOf(key), key.rotationPolicy, trigger);
}

/**
 * When the pool would have rotated the key by now, oldest first, in Unix seconds: one time for each period that passed,
 * but no more than the key has versions left.
 */
export function missedRotations(key: Key, nowS: number): number[] {
  const policy = key.rotationPolicy;
  const trigger = policy?.lifetimeActions[0]?.trigger;
  const missed: number[] = [];
  let dueS = rotationDueS(key);
  while (policy !== undefined && trigger !== undefined && dueS !== undefined && dueS <= nowS) {
    missed.push(dueS);
    if (key.versions.length + missed.length >= maxVersions) break;
    const { expiryTime } = policy.attributes;
    const exp = expiryTime === undefined ? undefined : timeAfter(dueS, expiryTime);
    dueS = dueOf({ created: dueS, exp }, policy, trigger);
  }
  return missed;
}

function dueOf(
  { created, exp }: { readonly created: number; readonly exp?: number | undefined },
  { attributes }: RotationPolicy,
  trigger: RotationTrigger,
): number | undefined {
  const dueS = 'timeAfterCreate' in trigger ? timeAfter(created, trigger.timeAfterCreate) : beforeExpiry(exp, trigger);
  return dueS === undefined ? undefined : Math.max(dueS, attributes.updated);
}

function beforeExpiry(exp: number | undefined, { timeBeforeExpiry }: { timeBeforeExpiry: string }): number | undefined {
  return exp === undefined ? undefined : timeAfter(exp, timeBeforeExpiry, -1);
}
