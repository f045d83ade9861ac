/** What the library must reach, and how that is held against it. */
import type { Point, Target } from '../result.ts';
import type { Rig } from '../subjects/rig.ts';
import type { Subject } from '../subjects/subject.ts';

/** Where targets are measured. */
export interface Scene {
  readonly rig: Rig;
  /** The subject of a point, ready for its first load; who opens it stops it. */
  open(point: Point): Promise<Subject>;
  /** Of this machine. */
  readonly cores: number;
  /** Of each side of each comparison. */
  readonly rounds: number;
  readonly roundMs: number;
  /** Ends it between two rounds. */
  readonly signal: AbortSignal;
}

/** One or several figures of one kind. */
export type Check = (scene: Scene) => Promise<Target[]>;

/** Throws when there is none. */
function known(figure: number, from: string): number {
  if (!Number.isFinite(figure)) throw new Error(`the figure is ${figure}: ${from}`);
  return figure;
}

/** A figure that is good when it is at least so much. */
export function atLeast(name: string, figure: number, least: number, from: string): Target {
  const isMet = known(figure, from) >= least;
  return { name, figure, shown: `${figure.toFixed(2)} x`, wanted: `>= ${least} x`, isMet, from };
}

/** A ratio that is good when it is at most so much. */
export function atMost(name: string, figure: number, most: number, from: string): Target {
  const isMet = known(figure, from) <= most;
  return { name, figure, shown: `${figure.toFixed(2)} x`, wanted: `<= ${most} x`, isMet, from };
}

/** A quantity that is good when it is at most so much. @param unit empty for a number of things */
export function atMostOf(name: string, figure: number, most: number, unit: string, from: string): Target {
  const shown = `${Number(figure.toFixed(1))} ${unit}`.trim();
  return { name, figure, shown, wanted: `<= ${most} ${unit}`.trim(), isMet: known(figure, from) <= most, from };
}
