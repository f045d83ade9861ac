import { expect, test } from 'vitest';
import type { Footprint } from './footprint.ts';
import { changes, gain } from './growth.ts';

const STEADY: Footprint = {
  agentKiB: 90_000,
  agentDescriptors: 40,
  launcherKiB: 1500,
  launcherDescriptors: 8,
  masterKiB: 20_000,
  masterDescriptors: 12,
  workerKiB: 9000,
  workers: 2,
  clients: 3,
  connections: 3,
  sessions: 3,
  hsmConnections: 20,
};

const run = (of: (minute: number) => Partial<Footprint>) =>
  Array.from({ length: 16 }, (_, minute) => ({ ...STEADY, ...of(minute) }));
const grown = (samples: readonly Footprint[]) =>
  changes(samples)
    .filter(({ grew }) => grew)
    .map(({ quantity }) => quantity);

test('what stays as it was has not grown', () => {
  expect(grown(run(() => ({})))).toEqual([]);
});

test('what swings and comes back has not grown', () => {
  expect(
    grown(run((minute) => ({ agentKiB: 90_000 + (minute % 3) * 60_000, sessions: 3 + (minute % 2) * 9 }))),
  ).toEqual([]);
});

test('getting warm is no growth', () => {
  expect(grown(run((minute) => ({ agentKiB: minute < 4 ? 40_000 + minute * 12_000 : 90_000 })))).toEqual([]);
});

test.each(Object.keys(STEADY) as (keyof Footprint)[])('%s that rises from minute to minute has', (quantity) => {
  expect(grown(run((minute) => ({ [quantity]: STEADY[quantity] * (1 + minute / 2) })))).toEqual([quantity]);
});

test('three samples are too few to say anything', () => {
  expect(() => changes([STEADY, STEADY, STEADY])).toThrow('3 samples');
});

const lives = (...gained: readonly number[]) => gained.map((KiB) => ({ warmKiB: 9000, lastKiB: 9000 + KiB }));

test('workers of one generation that gain something, and of the next that do not, leak nothing', () => {
  expect(gain(lives(1000, 0, -200, 0, 900))).toEqual({ typicalKiB: 0, grew: false });
});

test('workers that gain in every generation leak, though the next generation starts as small', () => {
  expect(gain(lives(400, 350, 500, 0, 450))).toEqual({ typicalKiB: 400, grew: true });
});
