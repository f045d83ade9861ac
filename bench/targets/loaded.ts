import type { Target } from '../result.ts';
import type { LoadReport, Subject } from '../subjects/subject.ts';
import type { Scene } from './target.ts';

/** One operation of a load may fail, and one of so many. */
const OF_MANY = 1000;

/**
 * Puts a subject under load. Throws when no operation succeeded, or more failed than now and then one: a figure of that
 * is none.
 * @param whose of the subject, for the error
 */
export async function loaded(subject: Subject, durationMs: number, whose: string): Promise<LoadReport> {
  const report = await subject.run(durationMs);
  const { count, failures, failure } = report;
  if (failures > 0 && (count === 0 || failures > Math.max(1, count / OF_MANY))) {
    throw new Error(`${whose}: ${failures} operations failed, ${count} did not; one with ${failure}`);
  }
  if (count === 0) throw new Error(`${whose}: no operation ended within ${durationMs} ms`);
  return report;
}

/** Counts what fails in the loads of a check, so that it stands beside its figures. */
export class FailedOperations {
  #count = 0;
  #failures = 0;
  readonly #reasons = new Set<string>();

  /** The scene with all its subjects watched. */
  watching(scene: Scene): Scene {
    return { ...scene, open: async (point) => this.#watched(await scene.open(point)) };
  }

  #watched(subject: Subject): Subject {
    return {
      run: async (durationMs, most) => {
        const report = await subject.run(durationMs, most);
        this.#count += report.count;
        this.#failures += report.failures;
        if (report.failures > 0) this.#reasons.add(report.failure);
        return report;
      },
      processes: () => subject.processes(),
      stop: () => subject.stop(),
    };
  }

  /** The targets of the check, each with what failed while they were measured. */
  besides(targets: readonly Target[]): Target[] {
    if (this.#failures === 0) return [...targets];
    const all = this.#count + this.#failures;
    const told = `${this.#failures} of ${all} operations of this check failed: ${[...this.#reasons].join('; ')}`;
    return targets.map((target) => ({ ...target, from: `${target.from}; ${told}` }));
  }
}
