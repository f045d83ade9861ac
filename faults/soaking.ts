import { setTimeout as pause } from 'node:timers/promises';
import { type Footprint, footprintOf, servingAgent, workerKiB } from './footprint.ts';
import { type Change, changes, gain, type Life } from './growth.ts';
import type { Scene } from './scene.ts';

/** Shares of the highest rate, one after another: quiet, rising, full, falling. */
const SHARES = [0.1, 0.5, 1, 0.3];

export interface SoakOptions {
  readonly minutes: number;
  readonly ratePerSecond: number;
  /** Between two reloads of the server; the rate changes and a sample is taken as often. */
  readonly periodMs: number;
  readonly onSample?: (sample: Footprint, done: number, failed: number) => void;
}

export interface Soaked {
  readonly samples: readonly Footprint[];
  readonly changes: readonly Change[];
  /** Of each generation of workers. */
  readonly lives: readonly Life[];
  readonly gain: ReturnType<typeof gain>;
  /** Those that served, one after another: one, unless it was restarted. */
  readonly agents: readonly number[];
  readonly done: number;
  readonly failed: number;
  readonly reasons: readonly string[];
}

/** Changing load, and a reload in each period: gives what the product held from period to period. */
export async function soak(scene: Scene, options: SoakOptions): Promise<Soaked> {
  const { minutes, ratePerSecond, periodMs, onSample } = options;
  const tally = scene.load.restartTally();
  const samples: Footprint[] = [];
  const lives: Life[] = [];
  const agents = new Set<number>();
  const endMs = performance.now() + minutes * 60_000;
  for (let period = 0; performance.now() < endMs; period++) {
    scene.load.ratePerSecond = ratePerSecond * (SHARES[period % SHARES.length] ?? 1);
    await scene.nginx.reload();
    await pause(periodMs / 2);
    const warmKiB = await workerKiB(scene);
    await pause(periodMs / 2);
    const sample = await footprintOf(scene);
    samples.push(sample);
    lives.push({ warmKiB, lastKiB: sample.workerKiB });
    agents.add(await servingAgent(scene));
    onSample?.(sample, tally.done, tally.failures.length);
  }
  return {
    samples,
    changes: changes(samples),
    lives,
    gain: gain(lives),
    agents: [...agents],
    done: tally.done,
    failed: tally.failures.length,
    reasons: [...tally.reasons].map(([reason, count]) => `${count} × ${reason}`),
  };
}

/** Nothing failed, nothing grew, and one agent did it all. */
export function isSound({ failed, changes, gain, agents }: Soaked): boolean {
  return failed === 0 && agents.length === 1 && !gain.grew && changes.every(({ grew }) => !grew);
}
