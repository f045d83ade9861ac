/** What the agent says of itself in an overload, and what of that must hold. Pure. */
import type { Signed } from './signing-process.ts';

export interface LoggedLine {
  /** ISO 8601. */
  readonly time: string;
  readonly msg: string;
  /** How many failures it stands for; one where it does not say. */
  readonly times?: number;
}

/** Of the agent's metrics; counters since its start. */
export interface AgentFigures {
  readonly queued: number;
  /** Requests that were refused at once, and those whose turn came too late. */
  readonly refused: number;
  readonly late: number;
}

export const REFUSED = /too many requests wait for/;

/** The sum over all samples of a metric whose labels hold `label`; 0 where there is none. */
function sumOf(text: string, name: string, label: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** Reads Prometheus' text form. */
export function figuresOf(text: string): AgentFigures {
  return {
    queued: sumOf(text, 'mhsm_pkcs11_queue_length', ''),
    refused: sumOf(text, 'mhsm_pkcs11_hsm_requests_total', 'outcome="crowded"'),
    late: sumOf(text, 'mhsm_pkcs11_hsm_requests_total', 'outcome="queue"'),
  };
}

/** Failures that the lines about refusals stand for. */
export function stoodForOf(lines: readonly LoggedLine[]): number {
  return lines.reduce((sum, { msg, times = 1 }) => sum + (REFUSED.test(msg) ? times : 0), 0);
}

/** What processes of many threads saw that together asked for more than the HSM signs. */
export interface Overload {
  readonly deadlineMs: number;
  readonly seconds: number;
  /** Until the last who waited was served: of these the HSM had to do in each. */
  readonly busySeconds: number;
  /** Signatures a second without the library. */
  readonly bare: number;
  readonly processes: readonly Signed[];
  /** Lines about the refusals on the standard error of each. */
  readonly linesOfProcesses: readonly number[];
  readonly longestQueue: number;
  readonly callers: number;
  readonly figures: AgentFigures;
  /** Of the agent's log, about the refusals. */
  readonly lines: readonly LoggedLine[];
  /** One signature after another when all is over. */
  readonly afterwards: Signed;
}

/** Signatures a second, of all processes. */
export function perSecondOf({ processes, busySeconds }: Pick<Overload, 'processes' | 'busySeconds'>): number {
  return processes.reduce((sum, { count }) => sum + count, 0) / busySeconds;
}

/** Waiting of the process that waited longest by that of the one that waited least, both in the middle. */
export function unfairnessOf({ processes }: Pick<Overload, 'processes'>): number {
  const waits = processes.map(({ latencyMs }) => latencyMs.p50);
  return Math.max(...waits) / Math.min(...waits);
}

/** CKR_FUNCTION_FAILED is 6. */
const REFUSAL = 'C_Sign: 0x6';

/** What must hold however busy the machine is; what is broken, in words. */
export function violationsOf(overload: Overload): string[] {
  const { processes, longestQueue, callers, figures, lines, seconds, linesOfProcesses, afterwards } = overload;
  const failures = processes.reduce((sum, process) => sum + process.failures, 0);
  const others = processes.map(({ failure }) => failure).filter((failure) => failure !== '' && failure !== REFUSAL);
  const stoodFor = stoodForOf(lines);
  // The first is said at once, and the last second may not be over.
  const mostLines = Math.ceil(seconds) + 2;
  const checks: readonly (readonly [boolean, string])[] = [
    [failures > 0, 'nobody was refused: it was no overload'],
    [others.length === 0, `failures other than CKR_FUNCTION_FAILED: ${others.join(', ')}`],
    [longestQueue < callers, `${longestQueue} waited of ${callers} that came: the queue has no bound`],
    [figures.refused + figures.late >= failures, `${failures} failed, and the agent refused ${figures.refused}`],
    [lines.length <= mostLines, `${lines.length} lines of log in ${seconds.toFixed(1)} s`],
    [stoodFor === figures.refused, `the log speaks of ${stoodFor} refusals, there were ${figures.refused}`],
    [
      linesOfProcesses.every((count) => count >= 1 && count <= mostLines),
      `lines of the processes in ${seconds.toFixed(1)} s: ${linesOfProcesses.join(', ')}`,
    ],
    [afterwards.failures === 0 && afterwards.count > 0, `${afterwards.failures} failed after the overload`],
  ];
  return checks.filter(([holds]) => !holds).map(([, words]) => words);
}

/** What holds on a machine that has time for it. */
export function slownessOf(overload: Overload): string[] {
  const { bare, deadlineMs, processes, figures } = overload;
  const share = perSecondOf(overload) / bare;
  const unfairness = unfairnessOf(overload);
  const refusalMs = Math.max(...processes.map(({ failureMs }) => failureMs.p99));
  const checks: readonly (readonly [boolean, string])[] = [
    [share >= 0.9, `${share.toFixed(2)} of what the HSM signs, at least 0.9 must be`],
    [unfairness <= 1.25, `one process waited ${unfairness.toFixed(2)} times as long as another`],
    [refusalMs <= deadlineMs / 5, `a refusal took ${Math.round(refusalMs)} ms`],
    [figures.late <= figures.refused / 100, `${figures.late} waited in vain`],
  ];
  return checks.filter(([holds]) => !holds).map(([, words]) => words);
}
