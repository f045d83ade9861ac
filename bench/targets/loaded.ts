import type { LoadReport, Subject } from '../subjects/subject.ts';

/**
 * Puts a subject under load. Throws when an operation failed or none was done: a figure of that is none.
 * @param whose of the subject, for the error
 */
export async function loaded(subject: Subject, durationMs: number, whose: string): Promise<LoadReport> {
  const report = await subject.run(durationMs);
  const { count, failures, failure } = report;
  if (failures > 0) throw new Error(`${whose}: ${failures} operations failed, ${count} did not; one with ${failure}`);
  if (count === 0) throw new Error(`${whose}: no operation ended within ${durationMs} ms`);
  return report;
}
