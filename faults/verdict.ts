import type { Bound, Form } from './fault.ts';

/** What was measured while a fault struck, as far as a bound speaks of it. */
export interface Observed {
  readonly times: number;
  readonly failed: number;
  /** Connections that the fault itself cut. */
  readonly cut: number;
  /** When handshakes failed, milliseconds from the end of the fault; those before it are negative. */
  readonly failuresMs: readonly number[];
  readonly slowestMs: number;
  readonly establishedEnded: number;
  /** Sessions that are open and were given no answer any more after the end of the fault. */
  readonly establishedSilent: number;
  readonly establishedSlowestMs: number;
  readonly logLine: string | undefined;
  /** Whether the log says what it must once the fault is over; true where it must not say anything. */
  readonly logGoesOn: boolean;
}

export interface Allowance {
  /** `timeouts.requestMs` of the configuration. */
  readonly deadlineMs: number;
  /** The machine's share in every wait: server, agent, HSM and clients are on the same cores. */
  readonly machineMs: number;
  /** From the end of a fault to the last handshake that fails. */
  readonly recoveryMs: number;
}

/**
 * What a loaded machine makes of the tests says little about time; the report of the whole form does. The machine's share is
 * less than the deadline, so that a worker that waits for it where it should not is seen in the tests too.
 */
export const ALLOWANCES: Readonly<Record<Form, Allowance>> = {
  whole: { deadlineMs: 10_000, machineMs: 4_000, recoveryMs: 3_000 },
  short: { deadlineMs: 8_000, machineMs: 7_000, recoveryMs: 10_000 },
};

/** The longest that a handshake may take: a caller that fails tries a second time, which must fail at once. */
export function longestWaitMs(wait: Bound['wait'], { deadlineMs, machineMs }: Allowance): number {
  return machineMs + (wait === 'deadline' ? deadlineMs : 0);
}

/** From the end of a fault to the last handshake that may fail. */
export function recoveryMsOf(bound: Bound, { recoveryMs }: Allowance): number {
  return Math.max(recoveryMs, bound.recoveryMs ?? 0);
}

/** How many handshakes may fail; undefined where that is as many as come while it lasts. */
function mostFailed({ failed }: Bound, { times, cut }: Pick<Observed, 'times' | 'cut'>): number | undefined {
  switch (failed) {
    case 'none':
      return 0;
    case 'those it cut':
      return cut;
    case 'while it lasts':
      return undefined;
    default:
      return failed.eachTime * times;
  }
}

/** The bound for a reader of the table. */
export function boundText(bound: Bound, observed: Pick<Observed, 'times' | 'cut'>, allowance: Allowance): string {
  const most = mostFailed(bound, observed);
  const failed = most === undefined ? 'while it lasts' : `${most} failed`;
  const seconds = (ms: number) => `${ms / 1000} s`;
  const recovery = most === undefined ? `, none ${seconds(recoveryMsOf(bound, allowance))} after it` : '';
  const sessions = bound.established === 'go on' ? '; sessions go on' : '';
  return `${failed}${recovery}; at most ${seconds(longestWaitMs(bound.wait, allowance))}${sessions}`;
}

function failedTooMany(bound: Bound, observed: Observed): string | undefined {
  const most = mostFailed(bound, observed);
  return most !== undefined && observed.failed > most
    ? `${observed.failed} handshakes failed, at most ${most} may`
    : undefined;
}

/** What could be mended by trying again within the deadline is not worth a line. */
function nobodyNoticed({ failed }: Bound, observed: Observed): boolean {
  return failed === 'while it lasts' && observed.failed === 0;
}

function establishedSuffered(bound: Bound, observed: Observed, longestMs: number): (string | undefined)[] {
  const { establishedEnded, establishedSilent, establishedSlowestMs } = observed;
  const silent =
    establishedSilent > 0 ? `${establishedSilent} established sessions are open and not answered` : undefined;
  if (bound.established === 'end with their worker') return [silent];
  return [
    silent,
    establishedEnded > 0 ? `${establishedEnded} established sessions ended` : undefined,
    establishedSlowestMs > longestMs
      ? `an established session waited ${Math.round(establishedSlowestMs)} ms, at most ${longestMs} may it`
      : undefined,
  ];
}

/** What the bound does not allow and was seen all the same; empty when all is well. */
export function violations(bound: Bound, observed: Observed, allowance: Allowance): string[] {
  const longestMs = longestWaitMs(bound.wait, allowance);
  const { slowestMs, failuresMs, logLine, logGoesOn } = observed;
  const failedLate = failuresMs.filter((atMs) => atMs > recoveryMsOf(bound, allowance)).length;
  const found = [
    failedTooMany(bound, observed),
    slowestMs > longestMs ? `a handshake took ${Math.round(slowestMs)} ms, at most ${longestMs} may it` : undefined,
    ...establishedSuffered(bound, observed, longestMs),
    failedLate > 0 ? `${failedLate} handshakes failed after it should have recovered` : undefined,
    logLine === undefined && !nobodyNoticed(bound, observed) ? 'the logs do not say what happened' : undefined,
    logGoesOn ? undefined : 'the logs do not go on when it is over',
  ];
  return found.filter((violation) => violation !== undefined);
}
