/** How long a program waits for its first call. */

import { mustRun } from '../../demo/process.ts';
import { median } from '../plan/repetition.ts';
import type { Point } from '../result.ts';
import { ModuleSigns } from '../subjects/module-signs.ts';
import { atMost, atMostOf, type Check, type Scene } from './target.ts';

const POINT: Point = {
  signer: 'library',
  load: 'signs',
  keyType: 'P-256',
  workers: 1,
  maxConnections: 20,
  hsm: { latencyMs: 0 },
};

async function nodeStartMs(): Promise<number> {
  const beganMs = performance.now();
  await mustRun(process.execPath, ['-e', '0'], { env: {} });
  return performance.now() - beganMs;
}

/** C_Initialize where no agent runs, then in a second program beside the first, in milliseconds. */
async function initializeMs({ rig }: Scene): Promise<{ cold: number; warm: number }> {
  const first = await ModuleSigns.ofLibrary(POINT, rig);
  try {
    if (first.site === undefined) throw new Error('there is no agent to find running');
    const second = await ModuleSigns.beside(first.site, POINT, rig);
    await second.stop();
    return { cold: first.initializeUs / 1000, warm: second.initializeUs / 1000 };
  } finally {
    await first.stop();
  }
}

export const firstInitialize: Check = async (scene) => {
  const cold: number[] = [];
  const warm: number[] = [];
  const node: number[] = [];
  await scene.rig.hsm.setSpeed({ latencyMs: 0 });
  for (let round = 0; round < scene.rounds; round++) {
    scene.signal.throwIfAborted();
    node.push(await nodeStartMs());
    const times = await initializeMs(scene);
    cold.push(times.cold);
    warm.push(times.warm);
  }
  const ratio = median(cold.map((ms, round) => ms / (node[round] ?? ms)));
  const from = `${median(cold).toFixed(0)} ms beside ${median(node).toFixed(0)} ms, ${cold.length} rounds in turns`;
  const range = `${Math.min(...warm).toFixed(1)} to ${Math.max(...warm).toFixed(1)} ms in ${warm.length} programs`;
  return [
    atMost('first C_Initialize without an agent, of the start of bare Node', ratio, 3, from),
    atMostOf('first C_Initialize with an agent', median(warm), 5, 'ms', range),
  ];
};
