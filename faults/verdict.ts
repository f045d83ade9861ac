import type { Bound, Form } from './fault.ts';

/** What was measured while a fault struck, as far as a bound speaks of it. */
export interface Observed {
  readonly times: number;
  readonly failed: number;
  /** Handshakes that failed though the fault was over, later after its end than is allowed. */
  readonly failedLate: number;
  readonly slowestMs: number;
  readonly establishedEnded: number;
  readonly establishedSlowestMs: number;
  readonly logLine: string | undefined;
}

export interface Allowance {
  /** `timeouts.requestMs` of the configuration. */
  readonly deadlineMs: number;
  /** The machine's share in every wait: server, agent, HSM and clients are on the same cores. */
  readonly machineMs: number;
  /** From the end of a fault to the last handshake that fails. */
  readonly recoveryMs: number;
}

/** What a loaded machine makes of the tests says little about time; the report of the whole form does. */
export const ALLOWANCES: Readonly<Record<Form, Allowance>> = {
  whole: { deadlineMs: 10_000, machineMs: 4_000, recoveryMs: 3_000 },
  short: { deadlineMs: 4_000, machineMs: 10_000, recoveryMs: 10_000 },
};

/** The longest that a handshake may take: a caller that fails tries a second time, which must fail at once. */
export function longestWaitMs(wait: Bound['wait'], { deadlineMs, machineMs }: Allowance): number {
  return machineMs + (wait === 'deadline' ? deadlineMs : 0);
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
export function violations(bound: Bound, observed: Observed, allowance: Allowance): string[] {
  const longestMs = longestWaitMs(bound.wait, allowance);
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
