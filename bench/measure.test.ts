// What a measurement says of a subject, without any server: subject and HSM are made up.
import { describe, expect, test } from 'vitest';
import { type Measuring, measure } from './measure.ts';
import type { Point } from './result.ts';
import { SignIns } from './subjects/hsm.ts';
import type { Rig } from './subjects/rig.ts';
import type { LoadReport } from './subjects/subject.ts';

const POINT: Point = {
  signer: 'library',
  load: 'signs',
  keyType: 'P-256',
  workers: 4,
  maxConnections: 5,
  hsm: { latencyMs: 5 },
};
const GOOD: LoadReport = {
  perSecond: 100,
  count: 10,
  failures: 0,
  failure: '',
  latencyMs: { p50: 1, p95: 2, p99: 3 },
};
const ONE_FAILED: LoadReport = { ...GOOD, failures: 1, failure: 'alert 80' };

/** An HSM to which the subject opens two connections at its start, and one more with each load. */
function measuringOf(loads: readonly LoadReport[] = []) {
  let connections = 7;
  let run = 0;
  let isStopped = false;
  const hsm = {
    kind: 'mock-hsm',
    pid: process.pid,
    signs: async () => run,
    countConnections: async () => {
      const before = connections;
      return async () => connections - before;
    },
    setSpeed: async () => {},
  };
  const measuring: Measuring = {
    rig: { hsm } as unknown as Rig,
    rule: { durationMs: 1, warmUpMs: 1, window: 3, spread: 0.1, most: 4 },
    cores: 2,
    signal: new AbortController().signal,
    open: async () => {
      connections += 2;
      return {
        run: async () => {
          connections += 1;
          return loads[run++] ?? GOOD;
        },
        processes: async () => ({ agent: undefined, workers: [process.pid], client: [] }),
        stop: async () => {
          isStopped = true;
        },
      };
    },
  };
  return { measuring, loads: () => run, isStopped: () => isStopped };
}

describe('connections to the HSM', () => {
  test('are all that were opened from the start of the agent on, not those of the last repetition', async () => {
    const { measuring, loads } = measuringOf();
    const { hsmConnections } = await measure(POINT, measuring);
    expect(hsmConnections).toBe(2 + loads());
  });

  test('are none where there is no HSM', async () => {
    const { measuring } = measuringOf();
    const pem: Point = { ...POINT, signer: 'pem', load: 'handshakes', maxConnections: null, hsm: null };
    expect(await measure(pem, measuring)).toMatchObject({ hsmConnections: null, signsPerSecond: null });
  });

  test('that only signed in are told apart, also when the log has forgotten them', () => {
    const signIns = new SignIns();
    signIns.read([
      { connection: 1, operation: 'discovery' },
      { connection: 1, operation: 'token' },
      { connection: 2, operation: 'token' },
    ]);
    expect(signIns.count).toBe(2);
    signIns.read([
      { connection: 2, operation: 'sign' },
      { connection: 3, operation: 'sign' },
    ]);
    expect(signIns.count).toBe(1);
  });
});

describe('operations that fail', () => {
  test('cost no point its figure, and are told with it', async () => {
    const { measuring } = measuringOf([GOOD, ONE_FAILED, GOOD, ONE_FAILED]);
    const { perSecond, failures, failureReasons } = await measure(POINT, measuring);
    expect({ perSecond, failures, failureReasons }).toEqual({
      perSecond: 100,
      failures: 2,
      failureReasons: ['alert 80'],
    });
  });

  test('make no figure where none succeeds, and the subject is stopped', async () => {
    const nothing = { ...GOOD, perSecond: 0, count: 0, failures: 4, failure: 'alert 80' };
    const { measuring, isStopped } = measuringOf(Array.from({ length: 40 }, () => nothing));
    await expect(measure(POINT, measuring)).rejects.toThrow('all 12 operations failed: alert 80');
    expect(isStopped()).toBe(true);
  });
});
