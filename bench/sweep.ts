/** A run of the bench over its points: what is done already is left out, what is measured is written at once. */
import { measure } from './measure.ts';
import { nameOf } from './plan/points.ts';
import type { Rule } from './plan/repetition.ts';
import { durationText, timeLeftMs } from './plan/time-left.ts';
import { linesOf } from './report/terminal.ts';
import type { Point, Result } from './result.ts';
import { writeResult } from './result-file.ts';
import type { Rig } from './subjects/rig.ts';
import { warmMock } from './warm-up.ts';

export interface Sweep {
  readonly points: readonly Point[];
  readonly rule: Rule;
  readonly rig: Rig;
  /** What there is already. */
  readonly result: Result;
  /** Holds the result after each point. */
  readonly file: string;
  /** Ends the run between two repetitions. */
  readonly signal: AbortSignal;
  /** Takes a line of progress. */
  readonly say: (line: string) => void;
}

export interface Swept {
  readonly result: Result;
  /** Points that could not be measured, each with why. */
  readonly unmeasured: readonly string[];
}

/** Opening and closing a subject, beside its repetitions. */
const AROUND_A_POINT_MS = 1_500;

/** Points without those that the result has. */
function remaining({ points, result }: Sweep): Point[] {
  const done = new Set(result.measurements.map(({ point }) => nameOf(point)));
  return points.filter((point) => !done.has(nameOf(point)));
}

/**
 * Measures the points one after another. One that cannot be measured is told and left out: a nightly run must not end
 * at its second point. Gives what there is when it is interrupted.
 */
export async function sweep(run: Sweep): Promise<Swept> {
  const { rule, rig, file, signal, say } = run;
  let { result } = run;
  const unmeasured: string[] = [];
  const tookMs: number[] = [];
  const points = remaining(run);
  const guessMs = rule.warmUpMs + rule.window * rule.durationMs + AROUND_A_POINT_MS;
  const left = (from: number) => durationText(timeLeftMs(tookMs, points.length - from, guessMs));
  say(`${points.length} points to measure, about ${left(0)}`);
  if (rig.hsm.kind === 'mock-hsm' && points.some(({ hsm }) => hsm !== null)) await warmMock(rig);
  for (const [index, point] of points.entries()) {
    if (signal.aborted) return { result, unmeasured };
    const beganMs = performance.now();
    try {
      const measurement = await measure(point, rig, rule, result.machine.cores, signal);
      result = { ...result, measurements: [...result.measurements, measurement] };
      writeResult(file, result);
      tookMs.push(performance.now() - beganMs);
      const place = `[${index + 1}/${points.length}, ${left(index + 1)} left]`;
      const failures = (measurement.failureReasons ?? []).map((reason) => `\n    failed: ${reason}`);
      say(`${place} ${linesOf(measurement)}${failures.join('')}`);
    } catch (error) {
      if (signal.aborted) return { result, unmeasured };
      const why = `${nameOf(point)}: ${error instanceof Error ? error.message : String(error)}`;
      unmeasured.push(why);
      say(`not measured: ${why}`);
    }
  }
  if (unmeasured.length === 0) result = { ...result, finishedAt: new Date().toISOString() };
  writeResult(file, result);
  return { result, unmeasured };
}
