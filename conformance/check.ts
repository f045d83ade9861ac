/** Holds promises against a subject. */

import * as fc from 'fast-check';
import { Client } from './client.ts';
import { recordingCodec } from './codec.ts';
import { differences } from './differences.ts';
import type { Means, Promised } from './promise.ts';
import type { Subject, Traits } from './subject.ts';
import type { Step } from './trace.ts';

export interface Failure {
  /** What did not hold. */
  readonly message: string;
  /** The smallest input that shows it. */
  readonly counterexample: string;
  /** What was done in that run. */
  readonly steps: readonly Step[];
  /** What shows it again; undefined where there is nothing to be done again. */
  readonly replay: Replay | undefined;
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

export interface Replay extends Effort {
  /** Where fast-check finds the smallest input; undefined: it has to look for it again. */
  readonly path: string | undefined;
}

/** Whether the promise says anything about the subject. */
export function applies(promise: Promised, subject: Traits): boolean {
  if (subject.promises !== undefined) return subject.promises.includes(promise.id);
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

/** The means of a run, and the steps of the last one. */
function recording(subject: Subject): { means: Means; steps: () => readonly Step[] } {
  let steps: Step[] = [];
  const keep = (trace: Step[]) => {
    steps = trace;
  };
  const codec = () => {
    keep([]);
    return recordingCodec(steps);
  };
  return { means: { run: (check) => runOf(subject, check, keep), codec }, steps: () => steps };
}

interface Outcome {
  readonly runs: number;
  readonly failure?: Failure;
}

/** fast-check finds a course of commands by what they did, and not by its path alone. */
const isCourse = (counterexample: string) => counterexample.includes('replayPath=');

/** Looks for an input that breaks the promise, and unless it is in haste for the smallest one. */
export async function tryToBreak(
  promise: Promised,
  subject: Subject,
  { runs, seed, path }: Effort & Partial<Replay>,
  inHaste = path !== undefined,
): Promise<Outcome> {
  const { means, steps } = recording(subject);
  const property = promise.property(means);
  const start = path === undefined ? { numRuns: runsOf(promise, runs) } : { numRuns: 1, path };
  const details = await fc.check(property, { ...start, seed, endOnFailure: inHaste });
  if (!details.failed) return { runs: details.numRuns };
  await property.run((details.counterexample ?? [undefined]) as [unknown]);
  const counterexample = fc.stringify(details.counterexample?.[0]);
  const replay = { runs, seed, path: isCourse(counterexample) ? undefined : (details.counterexamplePath ?? undefined) };
  const failure = { message: messageOf(details.errorInstance), counterexample, steps: [...steps()], replay };
  return { runs: details.numRuns, failure };
}

/** So many runs show a difference for certain. */
const RUNS_TO_DIFFER = 50;
const runsOf = ({ cost }: Promised, runs: number): number =>
  cost === undefined ? 1 : Math.max(1, Math.floor(runs / cost));

export async function hold(promise: Promised, subject: Subject, { runs, seed }: Effort): Promise<Verdict> {
  const started = performance.now();
  const difference = differences[subject.name]?.[promise.id];
  const isExplained = difference !== undefined;
  const effort = { runs: isExplained ? Math.max(runs, RUNS_TO_DIFFER) : runs, seed };
  const { runs: made, failure } = await tryToBreak(promise, subject, effort, isExplained);
  const seconds = (performance.now() - started) / 1000;
  const verdict = { promise, subject: subject.name, runs: made, seconds };
  if (failure === undefined) {
    if (difference === undefined) return { ...verdict, outcome: 'holds' };
    return { ...verdict, outcome: 'broken', failure: unexplained(difference.explanation) };
  }
  if (difference !== undefined && failure.message.startsWith(difference.gives)) {
    return { ...verdict, outcome: 'differs', explanation: difference.explanation };
  }
  return { ...verdict, outcome: 'broken', failure };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const unexplained = (explanation: string): Failure => ({
  message: `the promise holds now, and differences.ts still says: ${explanation}`,
  counterexample: '',
  steps: [],
  replay: undefined,
});
