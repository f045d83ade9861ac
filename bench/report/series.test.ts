import { expect, test } from 'vitest';
import { madeUpResult } from '../made-up-result.ts';
import {
  baselinesOf,
  boundsOf,
  heldValues,
  percentilesOf,
  ratesOf,
  speedsOf,
  usualHeld,
  usualSpeed,
} from './series.ts';

const { measurements: all } = madeUpResult(['P-256', 'RSA-2048']);
const about = { load: 'signs', keyType: 'P-256', along: 'maxConnections' } as const;
const question = { ...about, held: 16 };
const rates = ratesOf(all, 'library', question);

test('a plot has one line a speed of the HSM, each over all values of its axis', () => {
  const lines = Map.groupBy(rates, ({ line }) => line);
  expect([...lines.keys()]).toEqual(['0 ms', '1 ms', '5 ms', '20 ms', 'Standard B1']);
  for (const marks of lines.values()) expect(marks.map(({ x }) => x)).toEqual([1, 2, 5, 10, 20, 30, 50]);
});

test('speeds are told from fast to slow, whichever of them the first key was measured with', () => {
  const slow = all.filter(({ point }) => point.keyType === 'RSA-2048' && point.hsm === 'standard-b1');
  const fast = all.filter(({ point }) => point.keyType === 'P-256' && point.hsm !== 'standard-b1');
  expect(speedsOf([...slow, ...fast])).toEqual(['0 ms', '1 ms', '5 ms', '20 ms', 'Standard B1']);
});

test('a plot shows what it is asked about and nothing else', () => {
  for (const { y, measurement } of rates) {
    expect(measurement.point).toMatchObject({ load: 'signs', keyType: 'P-256', signer: 'library', workers: 16 });
    expect(y).toBe(measurement.perSecond);
  }
});

test('bounds are drawn where they are known', () => {
  const bounds = boundsOf(rates);
  expect(new Set(bounds.map(({ line }) => line))).toEqual(new Set(['1 ms', '5 ms', '20 ms', 'Standard B1']));
  expect(bounds.find(({ line, x }) => line === '5 ms' && x === 10)?.y).toBe(2000);
});

test('a key without an HSM is level against MaxConnections, and follows the workers', () => {
  const level = baselinesOf(all, question, [1, 50]);
  expect(level.map(({ line, x }) => [line, x])).toEqual([
    ['SoftHSM 2', 1],
    ['SoftHSM 2', 50],
    ['PEM file', 1],
    ['PEM file', 50],
  ]);
  expect(level[0]?.y).toBe(level[1]?.y);
  const along = baselinesOf(all, { ...question, along: 'workers', held: 20 }, [1, 32]);
  expect(along.filter(({ line }) => line === 'PEM file').map(({ x }) => x)).toEqual([1, 2, 4, 8, 16, 32]);
});

test('the value to begin with is the one with most points, the greatest of several', () => {
  expect(heldValues(all, 'library', about)).toEqual([1, 2, 4, 8, 16, 32]);
  expect(usualHeld(all, 'library', about)).toBe(32);
  const sparse = all.filter(({ point }) => point.workers === 8 || point.maxConnections === 20);
  expect(usualHeld(sparse, 'library', about)).toBe(8);
  expect(usualHeld([], 'library', about)).toBeUndefined();
});

test('the speed to begin with is the one with most rates; of several, 5 ms', () => {
  expect(usualSpeed(rates)).toBe('5 ms');
  expect(usualSpeed(rates.filter(({ line }) => line !== '5 ms'))).toBe('0 ms');
  expect(usualSpeed(rates.filter(({ line, x }) => line !== '5 ms' || x === 1))).toBe('0 ms');
  expect(usualSpeed([])).toBeUndefined();
});

test('percentiles are of one speed', () => {
  const percentiles = percentilesOf(rates, '20 ms');
  expect(percentiles).toHaveLength(7 * 3);
  const five = percentiles.filter(({ x }) => x === 5).map(({ line, y }) => [line, y]);
  expect(Object.fromEntries(five)).toEqual(
    rates.find(({ line, x }) => line === '20 ms' && x === 5)?.measurement.latencyMs,
  );
});
