/** A run of the bench over its points: what is done already is left out, what is measured is written at once. */
import { measure } from './measure.ts';
import { nameOf } from './plan/points.ts';
import type { Rule } from './plan/repetition.ts';
import { durationText, firstGuessMs, timeLeftMs } from './plan/time-left.ts';
import { linesOf } from './report/terminal.ts';
import type { Measurement, Point, Result } from './result.ts';
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
  /** Measures one point. */
  readonly measure?: typeof measure;
}

export interface Swept {
  readonly result: Result;
  /** Points that could not be measured, each with why. */
  readonly unmeasured: readonly string[];
}

/** Points without those that the result has. */
function remaining({ points, result }: Sweep): Point[] {
  const done = new Set(result.measurements.map(({ point }) => nameOf(point)));
  return points.filter((point) => !done.has(nameOf(point)));
}

/** Says how far a run is, and what came out. */
class Progress {
  readonly #run: Sweep;
  readonly #whole: number;
  readonly #tookMs: number[] = [];
  #measured = 0;

  constructor(run: Sweep, whole: number) {
    this.#run = run;
    this.#whole = whole;
    run.say(`${whole} points to measure, about ${this.#left}`);
  }

  get #left(): string {
    return durationText(timeLeftMs(this.#tookMs, this.#whole - this.#measured, firstGuessMs(this.#run.rule)));
  }

  /** Whatever came of it. */
  tried(beganMs: number): void {
    this.#tookMs.push(performance.now() - beganMs);
  }

  measured(measurement: Measurement): void {
    this.#measured += 1;
    const failures = (measurement.failureReasons ?? []).map((reason) => `\n    failed: ${reason}`);
    this.#run.say(`[${this.#measured}/${this.#whole}, ${this.#left} left] ${linesOf(measurement)}${failures.join('')}`);
  }
}

/** Takes the points one after another; what goes wrong with one stays with it. */
class Attempts {
  readonly #run: Sweep;
  readonly #progress: Progress;
  readonly #failed = new Map<Point, string>();
  result: Result;

  constructor(run: Sweep, whole: number) {
    this.#run = run;
    this.#progress = new Progress(run, whole);
    this.result = run.result;
  }

  /** Points that could not be measured, each with why. */
  get failed(): ReadonlyMap<Point, string> {
    return this.#failed;
  }

  /** @param then what is done about one that fails */
  async over(points: readonly Point[], then = ''): Promise<void> {
    for (const point of points) {
      if (this.#run.signal.aborted) return;
      await this.#one(point, then);
    }
  }

  async #one(point: Point, then: string): Promise<void> {
    const { rig, rule, file, signal, say, measure: measured = measure } = this.#run;
    const beganMs = performance.now();
    try {
      const measurement = await measured(point, { rig, rule, cores: this.result.machine.cores, signal });
      this.#progress.tried(beganMs);
      this.result = { ...this.result, measurements: [...this.result.measurements, measurement] };
      writeResult(file, this.result);
      this.#failed.delete(point);
      this.#progress.measured(measurement);
    } catch (error) {
      if (signal.aborted) return;
      this.#progress.tried(beganMs);
      const why = `${nameOf(point)}: ${error instanceof Error ? error.message : String(error)}`;
      this.#failed.set(point, why);
      say(`not measured${then}: ${why}`);
    }
  }
}

/**
 * Measures the points one after another. One that cannot be measured is told and left out: a nightly run must not end
 * at its second point. It is tried once more at the end, for the cause may have been of that moment. Gives what there is
 * when it is interrupted.
 */
export async function sweep(run: Sweep): Promise<Swept> {
  const { rig, file, signal } = run;
  const points = remaining(run);
  const attempts = new Attempts(run, points.length);
  if (rig.hsm.kind === 'mock-hsm' && points.some(({ hsm }) => hsm !== null)) await warmMock(rig);
  await attempts.over(points, ', tried again at the end');
  await attempts.over([...attempts.failed.keys()]);
  const unmeasured = [...attempts.failed.values()];
  if (signal.aborted) return { result: attempts.result, unmeasured };
  const finishedAt = unmeasured.length === 0 ? new Date().toISOString() : null;
  const result = { ...attempts.result, finishedAt };
  writeResult(file, result);
  return { result, unmeasured };
}
