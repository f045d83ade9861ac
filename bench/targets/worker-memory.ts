/** What a key in the HSM costs a worker of nginx in memory. */
import { median } from '../plan/repetition.ts';
import { privateKiB } from '../processes.ts';
import type { Point, Signer } from '../result.ts';
import { loaded } from './loaded.ts';
import { atMostOf, type Check, type Scene } from './target.ts';

const WORKERS = 4;
const MOST_KIB = 1024;

/** Private memory of one worker that has served for a while, in KiB. */
async function workerKiB({ open, roundMs, rounds }: Scene, signer: Signer): Promise<number> {
  const isLocal = signer !== 'library';
  const where = isLocal ? { maxConnections: null, hsm: null } : { maxConnections: 20, hsm: { latencyMs: 0 } };
  const point: Point = { signer, load: 'handshakes', keyType: 'P-256', workers: WORKERS, ...where };
  const subject = await open(point);
  try {
    await loaded(subject, (rounds * roundMs) / 2, `handshakes with ${signer}`);
    const { workers } = await subject.processes();
    return median(workers.map((pid) => privateKiB(pid) ?? Number.NaN));
  } finally {
    await subject.stop();
  }
}

/** Beside a key in a PEM file; SoftHSM by the same engine shows what of it is the engine's. */
export const workerMemory: Check = async (scene) => {
  const [library, pem, softhsm] = [
    await workerKiB(scene, 'library'),
    await workerKiB(scene, 'pem'),
    await workerKiB(scene, 'softhsm'),
  ];
  const from = `${library} KiB private beside ${pem} KiB with a PEM key; SoftHSM by the same engine ${softhsm} KiB`;
  return [atMostOf('memory added to a worker of nginx, over a PEM key', library - pem, MOST_KIB, 'KiB', from)];
};
