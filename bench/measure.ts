/** One point, measured as often as its rule asks for. */
import { setTimeout } from 'node:timers/promises';
import { cpuTimeUs } from './cpu-time.ts';
import { boundOf, processorOf } from './plan/bounds.ts';
import { reasonsOf, whyNothing } from './plan/failures.ts';
import { median, type Rule, summaryOf } from './plan/repetition.ts';
import { busySeconds, privateKiB } from './processes.ts';
import type { Measurement, Point } from './result.ts';
import { openSubject } from './subjects/open.ts';
import type { Rig } from './subjects/rig.ts';
import type { LoadReport, Processes, Subject } from './subjects/subject.ts';
import { warmUpAtFullSpeed } from './warm-up.ts';

/** Processor seconds so far, of each party. */
interface Use {
  readonly agent: number;
  readonly workers: number;
  readonly hsm: number;
  readonly client: number;
  readonly machine: number;
}

interface Repetition extends LoadReport {
  readonly seconds: number;
  readonly use: Use;
  /** By the HSM's count. */
  readonly signs: number | undefined;
}

const secondsOf = (pids: readonly (number | undefined)[]): number =>
  pids.reduce<number>((sum, pid) => sum + (pid === undefined ? 0 : (cpuTimeUs(pid) ?? 0) / 1e6), 0);

function useOf({ agent, workers, client }: Processes, hsm: number | undefined): Use {
  return {
    agent: secondsOf([agent]),
    workers: secondsOf(workers),
    hsm: secondsOf([hsm]),
    client: secondsOf(client),
    machine: busySeconds(),
  };
}

const PARTIES = ['agent', 'workers', 'hsm', 'client', 'machine'] as const;

function difference(after: Use, before: Use): Use {
  const [agent = 0, workers = 0, hsm = 0, client = 0, machine = 0] = PARTIES.map((party) =>
    Math.max(0, after[party] - before[party]),
  );
  return { agent, workers, hsm, client, machine };
}

async function repeat(subject: Subject, rig: Rig, point: Point, durationMs: number): Promise<Repetition> {
  const hsm = point.hsm === null ? undefined : rig.hsm;
  const processes = await subject.processes();
  const signsBefore = await hsm?.signs();
  const before = useOf(processes, hsm?.pid);
  const beganMs = performance.now();
  const report = await subject.run(durationMs);
  const seconds = (performance.now() - beganMs) / 1000;
  const use = difference(useOf(processes, hsm?.pid), before);
  const signsAfter = await hsm?.signs();
  const signs = signsBefore === undefined || signsAfter === undefined ? undefined : signsAfter - signsBefore;
  return { ...report, seconds, use, signs };
}

/** Mean of a party's cores over repetitions. */
function coresOf(repetitions: readonly Repetition[], party: keyof Use): number {
  const seconds = repetitions.reduce((sum, repetition) => sum + repetition.seconds, 0);
  return repetitions.reduce((sum, { use }) => sum + use[party], 0) / seconds;
}

const memoryOf = (pids: readonly number[]): number | null => {
  const known = pids.map(privateKiB).filter((kib) => kib !== undefined);
  return known.length === 0 ? null : Math.round(median(known));
};

/** How a point is measured. */
export interface Measuring {
  readonly rig: Rig;
  readonly rule: Rule;
  /** Of the machine. */
  readonly cores: number;
  /** Ends it between two repetitions, with its reason. */
  readonly signal: AbortSignal;
  /** Gives the point's subject, ready for its first load. */
  readonly open?: (point: Point, rig: Rig) => Promise<Subject>;
}

async function summarize(
  point: Point,
  all: readonly Repetition[],
  { agent, workers }: Processes,
  { rig, rule, cores }: Measuring,
) {
  const counting = all.slice(-rule.window);
  const rates = all.map(({ perSecond }) => perSecond);
  const { perSecond, spread, isNoisy } = summaryOf(rates, rule);
  const part = (party: keyof Use) => coresOf(counting, party);
  const own = part('agent') + part('workers') + part('hsm') + part('client');
  const signs = counting.map((repetition) => (repetition.signs ?? Number.NaN) / repetition.seconds);
  const percentile = (name: 'p50' | 'p95' | 'p99') => median(counting.map(({ latencyMs }) => latencyMs[name]));
  return {
    point,
    rates,
    perSecond,
    spread,
    isNoisy,
    latencyMs: { p50: percentile('p50'), p95: percentile('p95'), p99: percentile('p99') },
    failures: all.reduce((sum, { failures }) => sum + failures, 0),
    signsPerSecond: signs.some(Number.isNaN) ? null : median(signs),
    cores: {
      agent: agent === undefined ? null : part('agent'),
      workers: part('workers'),
      hsm: point.hsm === null || rig.hsm.pid === undefined ? null : part('hsm'),
      client: part('client'),
      machine: part('machine'),
    },
    memoryKiB: { agent: agent === undefined ? null : memoryOf([agent]), worker: memoryOf(workers) },
    bound: boundOf(point),
    processor: processorOf(perSecond, { cores, machine: part('machine'), own, agent: part('agent') }),
  } satisfies Omit<Measurement, 'hsmConnections'>;
}

/** As often as the rule asks for. Throws with the reasons when no operation succeeded in the repetitions that count. */
async function repetitionsOf(subject: Subject, point: Point, { rig, rule, signal }: Measuring): Promise<Repetition[]> {
  const repetitions: Repetition[] = [];
  do {
    signal.throwIfAborted();
    repetitions.push(await repeat(subject, rig, point, rule.durationMs));
    // What closed during the last repetition is gone when the next begins.
    await setTimeout(20);
  } while (
    !summaryOf(
      repetitions.map(({ perSecond }) => perSecond),
      rule,
    ).isDone
  );
  const nothing = whyNothing(repetitions.slice(-rule.window));
  if (nothing !== undefined) throw new Error(nothing);
  return repetitions;
}

/**
 * Opens the point's subject, repeats its load, and stops it whatever happens. Throws when nothing succeeded: a rate of
 * nothing is none.
 */
export async function measure(point: Point, measuring: Measuring): Promise<Measurement> {
  const { rig, rule, open = openSubject } = measuring;
  // Before the agent starts, for it opens connections before anybody wants a signature.
  const opened = point.hsm === null ? undefined : await rig.hsm.countConnections?.();
  const subject = await open(point, rig);
  try {
    await opened?.();
    // Of a real HSM each operation is paid for.
    const isReal = rig.hsm.kind === 'real';
    const warm = await (isReal ? subject.run(rule.warmUpMs) : warmUpAtFullSpeed(subject, point, rig.hsm));
    const repetitions = await repetitionsOf(subject, point, measuring);
    const hsmConnections = (await opened?.()) ?? null;
    const measurement = await summarize(point, repetitions, await subject.processes(), measuring);
    const failures = measurement.failures + warm.failures;
    return { ...measurement, hsmConnections, failures, failureReasons: reasonsOf([warm, ...repetitions]) };
  } finally {
    await subject.stop();
  }
}
