/** Every target, in the order of the table. */
import type { Target } from '../result.ts';
import { verdictOf } from '../verdict.ts';
import { connectionsHeld, handshakesBesideBound } from './handshakes.ts';
import { firstInitialize } from './initialize.ts';
import { FailedOperations } from './loaded.ts';
import { connectionCache, signLatency, signsBesideRest } from './signs.ts';
import type { Check, Scene } from './target.ts';
import { workerMemory } from './worker-memory.ts';

type NamedCheck = readonly [subject: string, check: Check];

const CHECKS: readonly NamedCheck[] = [
  ['signatures beside bare REST', signsBesideRest],
  ['time of a signature beside bare REST', signLatency],
  ['handshakes beside their bound', handshakesBesideBound],
  ['ConnectionCache', connectionCache],
  ['memory of a worker', workerMemory],
  ['C_Initialize', firstInitialize],
  ['connections to the HSM', connectionsHeld],
];

const WORDS = { met: 'met   ', missed: 'MISSED', 'not judged': 'not judged', 'not measured': 'NOT MEASURED' } as const;

export function targetLine(target: Target): string {
  const { name, shown, wanted, from } = target;
  const verdict = verdictOf(target);
  const figure = verdict === 'not measured' ? '' : ` ${shown}, wanted ${wanted}`;
  return `${WORDS[verdict]} ${name}:${figure} (${from})`;
}

/** A check that fails says why in place of a figure. */
async function held(name: string, check: Check, scene: Scene): Promise<Target[]> {
  const failed = new FailedOperations();
  try {
    return failed.besides(await check(failed.watching(scene)));
  } catch (error) {
    if (scene.signal.aborted) throw error;
    const from = error instanceof Error ? error.message : String(error);
    return [
      { name, figure: 0, shown: 'not measured', wanted: 'a figure', isMet: false, unjudged: 'not measured', from },
    ];
  }
}

/** @param found takes each target as soon as it is known */
export async function holdTargets(
  scene: Scene,
  found: (target: Target) => void,
  checks: readonly NamedCheck[] = CHECKS,
): Promise<Target[]> {
  const targets: Target[] = [];
  for (const [subject, check] of checks) {
    scene.signal.throwIfAborted();
    for (const target of await held(subject, check, scene)) {
      targets.push(target);
      found(target);
    }
  }
  return targets;
}
