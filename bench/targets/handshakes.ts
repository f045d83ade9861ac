/** nginx beside what its workers could do if nothing but the HSM took time. */
import { cpuTimeUs } from '../cpu-time.ts';
import { connectionsBound } from '../plan/bounds.ts';
import { median } from '../plan/repetition.ts';
import { busySeconds } from '../processes.ts';
import type { Point, Target } from '../result.ts';
import type { Rig } from '../subjects/rig.ts';
import type { LoadReport, Subject } from '../subjects/subject.ts';
import { loaded } from './loaded.ts';
import { atLeast, atMostOf, type Check, type Scene } from './target.ts';

/** New connections, all with one type of key. */
const HANDSHAKES = { signer: 'library', load: 'handshakes', keyType: 'P-256' } as const;

/** By latency: the part of the bound that must be reached, by how many workers, and whether the processor excuses. */
const WANTED = [
  { latencyMs: 20, least: 0.9, isExcused: false },
  { latencyMs: 5, least: 0.85, isExcused: true },
] as const;
const WORKERS = [1, 2, 4, 8, 16];

/** Above this part of all cores the processor is the bound. */
const BUSY = 0.9;
/** Rounds of a comparison are short since both sides share them; here there is one side. */
const LONGER = 4;

interface Observed {
  readonly perSecond: number;
  /** Of a signature, by the HSM's own count: what was asked for, its cryptography, and how late its timers are. */
  readonly hsmMs: number;
  /** Cores that nginx, library, HSM and client kept busy. */
  readonly own: number;
  /** Cores that anything kept busy. */
  readonly machine: number;
}

/** Processor seconds so far. */
async function secondsOf({ hsm }: Rig, subject: Subject): Promise<{ own: number; machine: number }> {
  const { agent, workers, client } = await subject.processes();
  const pids = [agent, hsm.pid, ...workers, ...client].filter((pid) => pid !== undefined);
  return { own: pids.reduce((sum, pid) => sum + (cpuTimeUs(pid) ?? 0) / 1e6, 0), machine: busySeconds() };
}

async function hsmTime({ hsm }: Rig): Promise<{ signs: number; seconds: number }> {
  return { signs: (await hsm.signs()) ?? Number.NaN, seconds: (await hsm.signSeconds?.()) ?? Number.NaN };
}

async function observe({ rig, open, rounds, roundMs, signal }: Scene, point: Point): Promise<Observed> {
  const whose = `${point.workers} workers`;
  const subject = await open(point);
  try {
    await loaded(subject, LONGER * roundMs, whose);
    const reports: LoadReport[] = [];
    const hsmBefore = await hsmTime(rig);
    const [before, beganMs] = [await secondsOf(rig, subject), performance.now()];
    for (let round = 0; round < rounds / LONGER; round++) {
      signal.throwIfAborted();
      reports.push(await loaded(subject, LONGER * roundMs, whose));
    }
    const seconds = (performance.now() - beganMs) / 1000;
    const after = await secondsOf(rig, subject);
    const [own, machine] = [(after.own - before.own) / seconds, (after.machine - before.machine) / seconds];
    const hsmAfter = await hsmTime(rig);
    const hsmMs = (1000 * (hsmAfter.seconds - hsmBefore.seconds)) / (hsmAfter.signs - hsmBefore.signs);
    return { perSecond: median(reports.map(({ perSecond }) => perSecond)), hsmMs, own, machine };
  } finally {
    await subject.stop();
  }
}

/** At a high rate of handshakes the processor can be the bound of the machine before the HSM is. */
function judged(point: Point, wanted: (typeof WANTED)[number], observed: Observed, cores: number): Target {
  const { latencyMs, least, isExcused } = wanted;
  const { perSecond, hsmMs, own, machine } = observed;
  const bound = connectionsBound(point);
  const use = `${own.toFixed(1)} of ${cores} cores busy with it, ${(machine - own).toFixed(1)} with others`;
  const really = (perSecond * hsmMs) / (bound * latencyMs);
  const hsm = `the HSM took ${hsmMs.toFixed(1)} ms: ${really.toFixed(2)} x of that`;
  const from = `${perSecond.toFixed(0)}/s of ${bound.toFixed(0)}/s; ${hsm}; ${use}`;
  const name = `handshakes/s, of workers / latency: ${point.workers} workers, ${latencyMs} ms`;
  const target = atLeast(name, perSecond / bound, least, from);
  const isTheProcessor = !target.isMet && isExcused && own >= BUSY * cores;
  return isTheProcessor ? { ...target, unjudged: 'not judged', from: `the processor was the bound; ${from}` } : target;
}

/** New TLS 1.3 connections a second, MaxConnections 20, P-256. */
export const handshakesBesideBound: Check = async (scene) => {
  const targets: Target[] = [];
  for (const wanted of WANTED) {
    for (const workers of WORKERS) {
      const point: Point = { ...HANDSHAKES, workers, maxConnections: 20, hsm: { latencyMs: wanted.latencyMs } };
      targets.push(judged(point, wanted, await observe(scene, point), scene.cores));
    }
  }
  return targets;
};

/** All workers together over one number of connections: every one that was opened counts, used or not. */
export const connectionsHeld: Check = async ({ rig, open, rounds, roundMs }) => {
  const targets: Target[] = [];
  for (const maxConnections of [5, 20]) {
    const what = `32 workers, MaxConnections ${maxConnections}`;
    const point: Point = { ...HANDSHAKES, workers: 32, maxConnections, hsm: { latencyMs: 5 } };
    // Before the agent starts, for it opens connections before anybody wants a signature.
    const connections = await rig.hsm.countConnections?.();
    const subject = await open(point);
    try {
      const { count } = await loaded(subject, (rounds * roundMs) / 2, what);
      const opened = (await connections?.()) ?? Number.NaN;
      const from = `opened from the start of the agent to the end of ${count} handshakes`;
      targets.push(atMostOf(`connections to the HSM: ${what}`, opened, maxConnections, '', from));
    } finally {
      await subject.stop();
    }
  }
  return targets;
};
