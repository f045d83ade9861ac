/** Threads: calls that are under way at the same time, on different sessions or different tokens. */

import type { Real } from './real.ts';
import type { Model } from './state.ts';
import { type Place, Step } from './step.ts';

/**
 * Whether the outcome of two steps may depend on which is first: where they are in one session, or on one token that one
 * of them changes for all.
 */
function disturbs(one: Place, other: Place): boolean {
  if (one.token !== other.token) return false;
  return one.session === undefined || other.session === undefined || one.session === other.session;
}

/** The steps that leave each other alone, those that come first before others. */
function apart(steps: readonly Step[], model: Model): Step[] {
  const places: Place[] = [];
  return steps.filter((step) => {
    const place = step.placeIn(model);
    if (place === undefined || places.some((other) => disturbs(place, other))) return false;
    places.push(place);
    return true;
  });
}

/** Makes the calls of the steps at once; of steps that would disturb each other, the first. */
export const together = (steps: readonly Step[]): Step =>
  new Step(`at the same time (${steps.join('; ')})`, async (model: Model, real: Real) => {
    const running = apart(steps, model).map((step) => step.run(model, real));
    const results = await Promise.allSettled(running);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  });
