import { expect, test } from 'vitest';
import { madeUpResult } from '../made-up-result.ts';
import type { Situation } from './advice.ts';
import { nearest } from './evidence.ts';
import { adviceText } from './text.ts';

const few: Situation = { latencyMs: 5, workers: 4, keyType: 'RSA-2048', processorPerSecond: 3000 };

test('few workers: a connection each, what they give, and what comes next', () => {
  expect(adviceText(few, undefined)).toBe(
    [
      'RSA-2048, 5.00 ms a signature, 4 workers: set ConnectionCache.MaxConnections to 4',
      '  because   each of the 4 workers waits for one signature at a time: one more connection would never be used.',
      '  expect    800/s new handshakes (4 / 5.00 ms), resumed ones not counted. They end at the workers.',
      '  next      the HSM, at 2,700/s. 14 workers would reach that; ask again for their MaxConnections.',
      '',
    ].join('\n'),
  );
});

test('many workers: the HSM is the limit, the default would hold back, and partitions may fail', () => {
  const text = adviceText({ ...few, latencyMs: 20, workers: 100, processorPerSecond: undefined }, undefined);
  expect(text).toBe(
    [
      'RSA-2048, 20.0 ms a signature, 100 workers: set ConnectionCache.MaxConnections to 68',
      '  because   the HSM ends at 2,700/s: at 20.0 ms 54.0 signatures are under way, and a quarter more is for bursts. Others would only wait there.',
      '  expect    2,700/s new handshakes, resumed ones not counted. They end at the HSM.',
      '  next      the workers, at 5,000/s.',
      '  note      With the default of 20 connections it ends at 1,000/s.',
      "  note      One of the pool's 3 partitions alone keeps up 900/s: plan for that day too.",
      '  note      The processor is left out: no handshakes were measured.',
      '',
    ].join('\n'),
  );
});

test('a measurement that is like it is shown with its origin', () => {
  const measurement = nearest(madeUpResult(['RSA-2048']), few, 4);
  if (measurement === undefined) throw new Error('the made-up result has handshakes');
  expect(adviceText(few, { measurement, origin: '2026-01-02, Made-up CPU, 2 cores' })).toMatch(
    /\n {2}measured {2}handshakes RSA-2048 .*, HSM 5 ms, 4 workers, MaxConnections 5: .*\/s, p99 .* ms \(2026-01-02, Made-up CPU, 2 cores\)\n$/,
  );
});
