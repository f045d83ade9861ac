/** Loads that nobody counts: a program is compiled by its operations, not by time, and a cold one is slower. */

import type { Point } from './result.ts';
import type { BenchHsm } from './subjects/hsm.ts';
import { openSubject } from './subjects/open.ts';
import type { Rig } from './subjects/rig.ts';
import type { LoadReport, Subject } from './subjects/subject.ts';

const OPERATIONS = 3_000;
const MOST_MS = 4_000;
const SLICE_MS = 250;

export type Warmed = Pick<LoadReport, 'count' | 'failures' | 'failure'>;

/** Until it did 3,000 operations, or for 4 s. */
export async function warmUp(subject: Pick<Subject, 'run'>): Promise<Warmed> {
  let [count, failures, failure] = [0, 0, ''];
  for (let ms = 0; ms < MOST_MS && count < OPERATIONS; ms += SLICE_MS) {
    const slice = await subject.run(SLICE_MS);
    count += slice.count;
    failures += slice.failures;
    failure ||= slice.failure;
  }
  return { count, failures, failure };
}

/** Without latency, so that slow points are as warm as fast ones; the HSM has the speed of the point afterwards. */
export async function warmUpAtFullSpeed(subject: Subject, { hsm: speed }: Point, hsm: BenchHsm): Promise<Warmed> {
  if (speed === null) return warmUp(subject);
  await hsm.setSpeed({ latencyMs: 0 });
  const warmed = await warmUp(subject);
  await hsm.setSpeed(speed);
  return warmed;
}

/** Once a run, before its first point, by bare REST: else the first points are measured with a mock that is cold. */
export async function warmMock(rig: Rig): Promise<void> {
  const subject = await openSubject(
    { signer: 'bare-rest', load: 'signs', keyType: 'P-256', workers: 20, maxConnections: 20, hsm: { latencyMs: 0 } },
    rig,
  );
  try {
    for (let times = 0; times < 3; times++) await warmUp(subject);
  } finally {
    await subject.stop();
  }
}
