/** Holds promises against a subject. */

import * as fc from 'fast-check';
import { Client, type Step } from './client.ts';
import { type Difference, differences } from './differences.ts';
import type { Promised } from './promise.ts';
import type { Subject, Traits } from './subject.ts';

export interface Failure {
  /** What did not hold. */
  readonly message: string;
  /** The smallest input that shows it. */
  readonly counterexample: string;
  /** The calls of that run. */
  readonly steps: readonly Step[];
}

export interface Verdict {
  readonly promise: Promised;
  readonly subject: string;
  readonly outcome: 'holds' | 'broken' | 'differs';
  readonly runs: number;
  readonly seconds: number;
  readonly failure?: Failure;
  /** Why another library keeps it otherwise. */
  readonly explanation?: string;
}

export interface Effort {
  readonly runs: number;
  readonly seed: number;
}

/** Whether the promise says anything about the subject. */
export function applies(promise: Promised, subject: Traits): boolean {
  if (promise.needs === 'module' && !subject.isModule) return false;
  if (promise.needs === 'lengths' && !subject.seesLengths) return false;
  if (promise.by === 'codec') return subject.isOurs && !subject.isModule;
  return promise.by === 'standard' || subject.isOurs;
}

/** A run of a program from C_Initialize to C_Finalize, whatever happens in between. */
async function runOf(subject: Subject, check: (client: Client) => Promise<void>, keep: (steps: Step[]) => void) {
  const client = new Client(subject);
  keep(client.trace);
  await client.ok('initialize', {});
  try {
    await check(client);
  } finally {
    await client.end();
  }
}

/** So many runs show a difference for certain. */
const RUNS_TO_DIFFER = 50;
const runsOf = ({ cost }: Promised, runs: number): number =>
  cost === undefined ? 1 : Math.max(1, Math.floor(runs / cost));

export async function hold(promise: Promised, subject: Subject, { runs, seed }: Effort): Promise<Verdict> {
  const started = performance.now();
  let steps: Step[] = [];
  const keep = (trace: Step[]) => {
    steps = trace;
  };
  const property = promise.property((check) => runOf(subject, check, keep));
  const difference = differences[subject.name]?.[promise.id];
  const isExplained = difference !== undefined;
  const numRuns = runsOf(promise, isExplained ? Math.max(runs, RUNS_TO_DIFFER) : runs);
  const details = await fc.check(property, { numRuns, seed, endOnFailure: isExplained });
  const seconds = (performance.now() - started) / 1000;
  const verdict = { promise, subject: subject.name, runs: details.numRuns, seconds };
  if (!details.failed) {
    if (difference === undefined) return { ...verdict, outcome: 'holds' };
    return { ...verdict, outcome: 'broken', failure: unexplained(difference.explanation) };
  }
  if (explains(difference, details.errorInstance)) {
    return { ...verdict, outcome: 'differs', explanation: difference.explanation };
  }
  await property.run((details.counterexample ?? [undefined]) as [unknown]);
  const failure = {
    message: messageOf(details.errorInstance),
    counterexample: fc.stringify(details.counterexample?.[0]),
    steps: [...steps],
  };
  return { ...verdict, outcome: 'broken', failure };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether it broke the way that differences.ts says, and no other. */
function explains(difference: Difference | undefined, error: unknown): difference is Difference {
  return difference !== undefined && messageOf(error).startsWith(difference.gives);
}

const unexplained = (explanation: string): Failure => ({
  message: `the promise holds now, and differences.ts still says: ${explanation}`,
  counterexample: '',
  steps: [],
});
