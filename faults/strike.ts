import { setTimeout as pause } from 'node:timers/promises';
import type { Established } from './established.ts';
import type { Fault, Form } from './fault.ts';
import type { Scene } from './scene.ts';
import type { Tally } from './tally.ts';
import { ALLOWANCES, boundText, recoveryMsOf, violations } from './verdict.ts';

/** A row of the table. Times in milliseconds. */
export interface Row {
  readonly fault: string;
  readonly what: string;
  readonly times: number;
  /** Why it was not done; the rest is zero then. */
  readonly skipped?: string;
  /** Handshakes a second that were asked for, and that were begun while there was room for more clients. */
  readonly askedPerSecond: number;
  readonly offeredPerSecond: number;
  readonly donePerSecond: number;
  readonly done: number;
  readonly failed: number;
  readonly slowestMs: number;
  readonly longestStallMs: number;
  /** From the end of the fault to the last handshake that failed; 0 when none did after it. */
  readonly recoveredAfterMs: number;
  readonly establishedEnded: number;
  readonly establishedSilent: number;
  readonly establishedSlowestMs: number;
  readonly logLine: string;
  /** Reasons that clients gave, most frequent first. */
  readonly reasons: readonly string[];
  readonly bound: string;
  /** What the bound does not allow. */
  readonly violations: readonly string[];
}

const SHORT_TIMES = 2;
/** Handshakes in a row that show that it works again. */
const HEALTHY = { whole: 20, short: 10 };
/** Beyond the time that recovering may take: who fails too late must be seen. */
const BEYOND_MS = 2000;
/** In the short form nobody is waited for who does not come: so long without a failure is enough. */
const CALM_MS = 2000;
const LOOK_MS = 100;

function timesOf({ times = 1 }: Fault, form: Form): number {
  return form === 'short' ? Math.min(times, SHORT_TIMES) : times;
}

/** What became of one stroke: when it was over, and how many connections it cut. */
async function strikeOnce(
  fault: Fault,
  scene: Scene,
  form: Form,
  established: Established,
): Promise<{ endedMs: number; cut: number }> {
  const { end, cut = 0 } = await fault.strike(scene, form);
  if (fault.lastsMs !== undefined) await pause(fault.lastsMs[form]);
  await end?.();
  const endedMs = performance.now();
  established.expectAnswers();
  await scene.moreServed(HEALTHY[form], `after ${fault.name}`);
  return { endedMs, cut };
}

/** Until a while after the last moment at which a handshake may fail. */
async function watch(tally: Tally, recoveredMs: number, form: Form): Promise<void> {
  const beganMs = performance.now();
  const untilMs = Math.max(beganMs, recoveredMs) + BEYOND_MS;
  const isCalm = () => performance.now() - Math.max(beganMs, tally.failures.at(-1) ?? 0) > CALM_MS;
  while (performance.now() < untilMs && !(form === 'short' && isCalm())) await pause(LOOK_MS);
}

function skippedRow({ name, what }: Fault, skipped: string): Row {
  const rates = { askedPerSecond: 0, offeredPerSecond: 0, donePerSecond: 0 };
  const nothing = { times: 0, done: 0, failed: 0, slowestMs: 0, longestStallMs: 0, recoveredAfterMs: 0 };
  const unseen = { establishedEnded: 0, establishedSilent: 0, establishedSlowestMs: 0, logLine: '', reasons: [] };
  return { fault: name, what, skipped, ...rates, ...nothing, ...unseen, bound: '', violations: [] };
}

/** Lets a fault befall the scene as often as it says, and tells what its clients and its operator saw. */
export async function strike(fault: Fault, scene: Scene, form: Form): Promise<Row> {
  const missing = fault.missing?.();
  if (missing !== undefined) return skippedRow(fault, missing);
  await scene.moreServed(HEALTHY[form], `before ${fault.name}`);
  const established = await scene.openSessions();
  const mark = scene.log.mark();
  const beganAt = Date.now();
  const tally = scene.load.restartTally();
  const times = timesOf(fault, form);
  let last = { endedMs: 0, cut: 0 };
  let cut = 0;
  for (let time = 0; time < times; time++) {
    last = await strikeOnce(fault, scene, form, established);
    cut += last.cut;
  }
  const markAfterwards = scene.log.mark();
  await watch(tally, last.endedMs + recoveryMsOf(fault.bound, ALLOWANCES[form]), form);
  const nowMs = performance.now();
  const sessions = established.seen(nowMs);
  const failuresMs = tally.failures.map((atMs) => atMs - last.endedMs);
  const seen = {
    times,
    failed: tally.failures.length,
    slowestMs: Math.round(tally.slowestMs(nowMs)),
    establishedEnded: sessions.ended,
    establishedSilent: sessions.silent,
    establishedSlowestMs: Math.round(sessions.slowestMs),
  };
  const rates = {
    askedPerSecond: scene.load.ratePerSecond,
    offeredPerSecond: Math.round(tally.offeredPerSecond(nowMs)),
    donePerSecond: Math.round((tally.done / (nowMs - tally.beganMs)) * 1000),
    done: tally.done,
    longestStallMs: Math.round(tally.stallMs(nowMs)),
    recoveredAfterMs: Math.max(0, Math.round(failuresMs.at(-1) ?? 0)),
    reasons: [...tally.reasons].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${count} × ${reason}`),
  };
  await established.close();

  const { log, logAfterwards, bound } = fault;
  const lines = [...scene.log.since(mark), ...(await scene.remembered(beganAt))];
  const logLine = log === undefined ? 'nothing' : lines.find((line) => log.test(line));
  const logGoesOn =
    logAfterwards === undefined || scene.log.since(markAfterwards).some((line) => logAfterwards.test(line));
  return {
    fault: fault.name,
    what: fault.what,
    ...seen,
    ...rates,
    logLine: logLine ?? '',
    bound: boundText(bound, { times, cut }, ALLOWANCES[form]),
    violations: violations(bound, { ...seen, cut, failuresMs, logLine, logGoesOn }, ALLOWANCES[form]),
  };
}
