import { expect, test } from 'vitest';
import { madeUpResult } from '../made-up-result.ts';
import type { Measurement, Result } from '../result.ts';
import { nearest, processorPerSecond } from './evidence.ts';

const result = madeUpResult(['RSA-2048', 'P-256']);
const situation = { latencyMs: 6, workers: 14, keyType: 'P-256', processorPerSecond: undefined } as const;

function withCores(agent: number, workers: number, perSecond: number, keyType: 'RSA-2048' | 'P-256'): Measurement {
  const found = result.measurements.find(({ point }) => point.signer === 'library' && point.load === 'handshakes');
  if (found === undefined) throw new Error('the made-up result has handshakes');
  return { ...found, point: { ...found.point, keyType }, perSecond, cores: { ...found.cores, agent, workers } };
}

const withOnly = (...measurements: Measurement[]): Result => ({ ...result, measurements });

test('the processor is reckoned from agent and workers of the cheapest handshake, by cores', () => {
  const measured = withOnly(withCores(0.5, 0.5, 1000, 'P-256'), withCores(0.5, 0.7, 1000, 'P-256'));
  expect(processorPerSecond(measured, 'P-256', 1)).toBeCloseTo(1000);
  expect(processorPerSecond(measured, 'P-256', 8)).toBeCloseTo(8000);
});

test('handshakes with the same type of key count, those with others where there are none', () => {
  const measured = withOnly(withCores(0.5, 0.5, 1000, 'P-256'), withCores(0.5, 0.5, 2000, 'RSA-2048'));
  expect(processorPerSecond(measured, 'P-256', 1)).toBeCloseTo(1000);
  expect(processorPerSecond(measured, 'P-384', 1)).toBeCloseTo(2000);
  expect(processorPerSecond(withOnly(), 'P-256', 1)).toBeUndefined();
});

test('the nearest measurement has the key, and the latency, workers and connections that are least far', () => {
  expect(nearest(result, situation, 14)?.point).toEqual({
    signer: 'library',
    load: 'handshakes',
    keyType: 'P-256',
    workers: 16,
    maxConnections: 10,
    hsm: { latencyMs: 5 },
  });
});

test('nothing is near when nothing was measured with the key', () => {
  expect(nearest(madeUpResult(['RSA-2048']), situation, 14)).toBeUndefined();
});
