import { setTimeout as pause } from 'node:timers/promises';
import { waitFor } from '../demo/process.ts';
import type { Fault, Form } from './fault.ts';
import type { Scene } from './scene.ts';
import { ALLOWANCES, violations } from './verdict.ts';

/** A row of the table. Times in milliseconds. */
export interface Row {
  readonly fault: string;
  readonly what: string;
  readonly times: number;
  /** Why it was not done; the rest is zero then. */
  readonly skipped?: string;
  readonly ratePerSecond: number;
  readonly done: number;
  readonly failed: number;
  readonly slowestMs: number;
  readonly longestStallMs: number;
  /** From the end of the fault to the last handshake that failed; 0 when none did after it. */
  readonly recoveredAfterMs: number;
  readonly establishedEnded: number;
  readonly establishedSlowestMs: number;
  readonly logLine: string;
  /** Reasons that clients gave, most frequent first. */
  readonly reasons: readonly string[];
  /** What the bound does not allow. */
  readonly violations: readonly string[];
}

const SHORT_TIMES = 2;
/** Handshakes in a row that show that it works again. */
const HEALTHY = { whole: 20, short: 10 };
const QUIET_MS = { whole: 2000, short: 300 };

/** Waits until so many clients more got what they wanted. */
async function served({ load }: Scene, form: Form, what: string): Promise<void> {
  const enough = load.tally.done + HEALTHY[form];
  await waitFor(`handshakes ${what}`, () => (load.tally.done >= enough ? true : undefined), 60);
}

function timesOf({ times = 1 }: Fault, form: Form): number {
  return form === 'short' ? Math.min(times, SHORT_TIMES) : times;
}

async function strikeOnce(fault: Fault, scene: Scene, form: Form): Promise<number> {
  const end = await fault.strike(scene, form);
  if (fault.lastsMs !== undefined) await pause(fault.lastsMs[form]);
  await end?.();
  const endedMs = performance.now();
  await served(scene, form, `after ${fault.name}`);
  return endedMs;
}

function skippedRow({ name, what }: Fault, skipped: string): Row {
  const nothing = { times: 0, ratePerSecond: 0, done: 0, failed: 0, slowestMs: 0, longestStallMs: 0 };
  const unseen = { recoveredAfterMs: 0, establishedEnded: 0, establishedSlowestMs: 0, logLine: '', reasons: [] };
  return { fault: name, what, skipped, ...nothing, ...unseen, violations: [] };
}

/** Lets a fault befall the scene as often as it says, and tells what its clients and its operator saw. */
export async function strike(fault: Fault, scene: Scene, form: Form): Promise<Row> {
  const missing = fault.missing?.();
  if (missing !== undefined) return skippedRow(fault, missing);
  await served(scene, form, `before ${fault.name}`);
  const established = await scene.openSessions();
  const mark = scene.log.mark();
  const tally = scene.load.restartTally();
  const times = timesOf(fault, form);
  let endedMs = 0;
  for (let time = 0; time < times; time++) endedMs = await strikeOnce(fault, scene, form);
  await pause(QUIET_MS[form]);
  const nowMs = performance.now();
  await established.close();

  const lines = scene.log.since(mark);
  const logLine = fault.log === undefined ? 'nothing' : lines.find((line) => fault.log?.test(line));
  const late = endedMs + ALLOWANCES[form].recoveryMs;
  const seen = {
    times,
    failed: tally.failures.length,
    slowestMs: Math.round(tally.slowestMs),
    establishedEnded: established.ended,
    establishedSlowestMs: Math.round(established.slowestMs),
  };
  const failedLate = tally.failures.filter((atMs) => atMs > late).length;
  return {
    fault: fault.name,
    what: fault.what,
    ...seen,
    ratePerSecond: Math.round(((tally.done + seen.failed) / (nowMs - tally.beganMs)) * 1000),
    done: tally.done,
    longestStallMs: Math.round(tally.stallMs(nowMs)),
    recoveredAfterMs: Math.max(0, Math.round((tally.failures.at(-1) ?? 0) - endedMs)),
    logLine: logLine ?? '',
    reasons: [...tally.reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${count} × ${reason}`),
    violations: violations(fault.bound, { ...seen, failedLate, logLine }, ALLOWANCES[form]),
  };
}
