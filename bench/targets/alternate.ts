/** Two subjects in turns, so that whatever else the machine does meets both. */
import { median } from '../plan/repetition.ts';
import type { Point } from '../result.ts';
import type { LoadReport, Subject } from '../subjects/subject.ts';
import { loaded } from './loaded.ts';
import type { Scene } from './target.ts';

/** An agent serves for weeks: what its first thousands of signatures take, until they are compiled, is not its speed. */
const WARM_UP_MS = 4_000;

export interface Turns {
  readonly ours: readonly LoadReport[];
  readonly theirs: readonly LoadReport[];
}

/** Both are open the whole time and warm before the first round; the HSM's speed is that of `ours`. */
export async function alternate(scene: Scene, ours: Point, theirs: Point): Promise<Turns> {
  const { rounds, roundMs, signal } = scene;
  const opened: Subject[] = [];
  try {
    for (const point of [theirs, ours]) opened.push(await scene.open(point));
    const [second, first] = opened;
    if (first === undefined || second === undefined) throw new Error('a subject is missing');
    await loaded(first, WARM_UP_MS, ours.signer);
    await loaded(second, WARM_UP_MS, theirs.signer);
    const turns: { ours: LoadReport[]; theirs: LoadReport[] } = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      turns.ours.push(await loaded(first, roundMs, ours.signer));
      turns.theirs.push(await loaded(second, roundMs, theirs.signer));
    }
    return turns;
  } finally {
    for (const subject of opened) await subject.stop();
  }
}

/** Median over the rounds of ours / theirs. */
export function ratioOf({ ours, theirs }: Turns, value: (report: LoadReport) => number): number {
  return median(ours.map((report, round) => value(report) / value(theirs[round] ?? report)));
}

/** Medians of both sides, as text. */
export function sidesOf({ ours, theirs }: Turns, value: (report: LoadReport) => number, unit: string): string {
  const shown = (side: readonly LoadReport[]) => Number(median(side.map(value)).toPrecision(3));
  return `${shown(ours)} ${unit} beside ${shown(theirs)} ${unit}, ${ours.length} rounds in turns`;
}
