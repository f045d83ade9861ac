// What a target says of a subject, without any server: the subject is made up.
import { expect, test } from 'vitest';
import type { Point, Target } from '../result.ts';
import { SignIns } from '../subjects/hsm.ts';
import type { Rig } from '../subjects/rig.ts';
import type { LoadReport } from '../subjects/subject.ts';
import { hasFailed, verdictOf } from '../verdict.ts';
import { holdTargets, targetLine } from './all.ts';
import { connectionsHeld, handshakesBesideBound } from './handshakes.ts';
import { connectionCache, signLatency, signsBesideRest } from './signs.ts';
import type { Check, Scene } from './target.ts';
import { workerMemory } from './worker-memory.ts';

const GOOD: LoadReport = {
  perSecond: 1e6,
  count: 400,
  failures: 0,
  failure: '',
  latencyMs: { p50: 1, p95: 1, p99: 1 },
};
const FAILING: LoadReport = { ...GOOD, perSecond: 0, count: 0, failures: 7, failure: 'alert 80' };
const IDLE: LoadReport = { ...GOOD, perSecond: 0, count: 0 };

interface MadeUp {
  readonly report?: (point: Point) => LoadReport;
  /** None are always busy, endlessly many never. */
  readonly cores?: number;
  /** TLS connections that the HSM sees opened meanwhile. */
  readonly opened?: number;
}

/** An HSM that counts up, and a subject that gives the same report whenever it is loaded. */
function sceneOf({ report = () => GOOD, cores = Number.POSITIVE_INFINITY, opened = 1 }: MadeUp): Scene {
  let signs = 0;
  const hsm = {
    pid: process.pid,
    signs: async () => ++signs,
    signSeconds: async () => signs / 1000,
    countConnections: async () => async () => opened,
    setSpeed: async () => {},
  };
  return {
    rig: { hsm } as unknown as Rig,
    open: async (point) => ({
      run: async () => report(point),
      processes: async () => ({ agent: undefined, workers: [process.pid], client: [process.pid] }),
      stop: async () => {},
    }),
    cores,
    rounds: 1,
    roundMs: 1,
    signal: new AbortController().signal,
  };
}

const LOADED: readonly (readonly [string, Check])[] = [
  ['signatures', signsBesideRest],
  ['time of a signature', signLatency],
  ['ConnectionCache', connectionCache],
  ['handshakes', handshakesBesideBound],
  ['connections', connectionsHeld],
  ['memory', workerMemory],
];

test.each(LOADED)('%s: operations that fail make no figure', async (_, check) => {
  await expect(check(sceneOf({ report: () => FAILING }))).rejects.toThrow(/7 operations failed.*alert 80/);
});

test.each(LOADED)('%s: a load in which nothing was done makes no figure', async (_, check) => {
  await expect(check(sceneOf({ report: () => IDLE }))).rejects.toThrow(/no operation ended/);
});

test('what could not be measured is neither met nor a figure, says why, and fails the run', async () => {
  const told: string[] = [];
  const scene = sceneOf({ report: () => FAILING });
  const targets = await holdTargets(scene, (target) => told.push(targetLine(target)), LOADED);
  expect(targets.map(verdictOf)).toEqual(LOADED.map(() => 'not measured'));
  expect(targets.every(hasFailed)).toBe(true);
  for (const line of told) expect(line).toMatch(/^NOT MEASURED [^:]+: \(.*7 operations failed.*alert 80\)$/);
});

const verdictsAt = (targets: readonly Target[], latencyMs: number) =>
  targets.filter(({ name }) => name.endsWith(`, ${latencyMs} ms`)).map(verdictOf);
const slow = () => ({ ...GOOD, perSecond: 1 });

test('handshakes are held against their bound with 1 to 16 workers', async () => {
  const targets = await handshakesBesideBound(sceneOf({}));
  const names = [20, 5].flatMap((ms) => [1, 2, 4, 8, 16].map((workers) => `${workers} workers, ${ms} ms`));
  expect(targets.map(({ name }) => name.replace(/^.*: /, ''))).toEqual(names);
  expect(new Set(targets.map(verdictOf))).toEqual(new Set(['met']));
});

test('a miss is not judged at 5 ms while the processor is the bound; at 20 ms it is a miss', async () => {
  const targets = await handshakesBesideBound(sceneOf({ report: slow, cores: 0 }));
  expect(new Set(verdictsAt(targets, 20))).toEqual(new Set(['missed']));
  expect(new Set(verdictsAt(targets, 5))).toEqual(new Set(['not judged']));
  const unjudged = targets.filter((target) => verdictOf(target) === 'not judged');
  expect(unjudged.some(({ isMet }) => isMet)).toBe(false);
  expect(unjudged.some(hasFailed)).toBe(false);
  for (const target of unjudged) expect(targetLine(target)).toMatch(/^not judged .*the processor was the bound/);
});

test('a miss with cores to spare is a miss at any latency', async () => {
  const targets = await handshakesBesideBound(sceneOf({ report: slow }));
  expect(new Set(targets.map(verdictOf))).toEqual(new Set(['missed']));
});

test.each([
  [5, ['met', 'met']],
  [6, ['missed', 'met']],
  [21, ['missed', 'missed']],
])('%i connections opened are held against MaxConnections 5 and 20', async (opened, verdicts) => {
  expect((await connectionsHeld(sceneOf({ opened }))).map(verdictOf)).toEqual(verdicts);
});

test('an HSM that does not tell its connections makes no figure', async () => {
  await expect(connectionsHeld(sceneOf({ opened: Number.NaN }))).rejects.toThrow(/the figure is NaN/);
});

test('a connection on which keys were asked for is no sign-in', () => {
  const log = [
    { connection: 1, operation: 'discovery' },
    { connection: 1, operation: 'token' },
    { connection: 2, operation: 'token' },
    { connection: 2, operation: 'list' },
    { connection: 3, operation: 'sign' },
  ];
  const signIns = new SignIns();
  signIns.read(log);
  expect(signIns.count).toBe(1);
});
