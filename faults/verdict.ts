import type { Bound } from './fault.ts';

/** What was measured while a fault struck, as far as a bound speaks of it. */
export interface Observed {
  readonly times: number;
  readonly failed: number;
  /** Handshakes that failed though the fault was over, later than `Bound.recoversMs` after its end. */
  readonly failedLate: number;
  readonly slowestMs: number;
  readonly establishedEnded: number;
  readonly establishedSlowestMs: number;
  readonly logLine: string | undefined;
}

/** A loaded machine's share in every wait: the processes of server, agent, HSM and clients are on the same two cores. */
const MACHINE_MS = 4_000;
export const RECOVERY_MS = 3_000;

/** The longest that a handshake may take: a caller that fails tries a second time, which must fail at once. */
export function longestWaitMs(wait: Bound['wait'], deadlineMs: number): number {
  return MACHINE_MS + (wait === 'deadline' ? deadlineMs : 0);
}

function failedTooMany({ failed }: Bound, observed: Observed): string | undefined {
  if (failed === 'while it lasts') return undefined;
  const most = failed === 'none' ? 0 : failed.eachTime * observed.times;
  return observed.failed > most ? `${observed.failed} handshakes failed, at most ${most} may` : undefined;
}

/** What could be mended by trying again within the deadline is not worth a line. */
function nobodyNoticed({ failed }: Bound, observed: Observed): boolean {
  return failed === 'while it lasts' && observed.failed === 0;
}

/** What the bound does not allow and was seen all the same; empty when all is well. */
export function violations(bound: Bound, observed: Observed, deadlineMs: number): string[] {
  const longestMs = longestWaitMs(bound.wait, deadlineMs);
  const { slowestMs, establishedEnded, establishedSlowestMs, failedLate, logLine } = observed;
  const found = [
    failedTooMany(bound, observed),
    slowestMs > longestMs ? `a handshake took ${Math.round(slowestMs)} ms, at most ${longestMs} may it` : undefined,
    bound.established === 'go on' && establishedEnded > 0
      ? `${establishedEnded} established sessions ended`
      : undefined,
    bound.established === 'go on' && establishedSlowestMs > longestMs
      ? `an established session waited ${Math.round(establishedSlowestMs)} ms, at most ${longestMs} may it`
      : undefined,
    failedLate > 0 ? `${failedLate} handshakes failed after it should have recovered` : undefined,
    logLine === undefined && !nobodyNoticed(bound, observed) ? 'the logs do not say what happened' : undefined,
  ];
  return found.filter((violation) => violation !== undefined);
}
