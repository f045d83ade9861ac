/** Every target, in the order of the table. */
import type { Target } from '../result.ts';
import { connectionsHeld, handshakesBesideBound } from './handshakes.ts';
import { firstInitialize } from './initialize.ts';
import { connectionCache, signLatency, signsBesideRest } from './signs.ts';
import type { Check, Scene } from './target.ts';
import { workerMemory } from './worker-memory.ts';

const CHECKS: readonly (readonly [subject: string, check: Check])[] = [
  ['signatures beside bare REST', signsBesideRest],
  ['time of a signature beside bare REST', signLatency],
  ['handshakes beside their bound', handshakesBesideBound],
  ['ConnectionCache', connectionCache],
  ['memory of a worker', workerMemory],
  ['C_Initialize', firstInitialize],
  ['connections to the HSM', connectionsHeld],
];

export function targetLine({ name, shown, wanted, isMet, from }: Target): string {
  return `${isMet ? 'met   ' : 'MISSED'} ${name}: ${shown}, wanted ${wanted} (${from})`;
}

/** A check that fails is a target missed: it says why in place of a figure. */
async function held(name: string, check: Check, scene: Scene): Promise<Target[]> {
  try {
    return await check(scene);
  } catch (error) {
    if (scene.signal.aborted) throw error;
    const from = error instanceof Error ? error.message : String(error);
    return [{ name, figure: 0, shown: 'not measured', wanted: 'a figure', isMet: false, from }];
  }
}

/** @param found takes each target as soon as it is known */
export async function holdTargets(scene: Scene, found: (target: Target) => void): Promise<Target[]> {
  const targets: Target[] = [];
  for (const [subject, check] of CHECKS) {
    scene.signal.throwIfAborted();
    for (const target of await held(subject, check, scene)) {
      targets.push(target);
      found(target);
    }
  }
  return targets;
}
