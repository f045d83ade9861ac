import { expect, test } from 'vitest';
import { Outage } from './outage.ts';

const hung = new Error('hung');

function outage() {
  const clock = { ms: 0 };
  return { clock, outage: new Outage(() => clock.ms) };
}

test('nobody is refused while nothing is known', () => {
  expect(outage().outage.refusal()).toBeUndefined();
});

test('after a hanging connect all are refused for a second, then one may try', () => {
  const { clock, outage: known } = outage();
  known.began(hung);
  clock.ms = 999;
  expect(known.refusal()).toBe(hung);
  clock.ms = 1000;
  expect([known.refusal(), known.refusal(), known.refusal()]).toEqual([undefined, hung, hung]);
});

test('the one who tried says how it goes on', () => {
  const { clock, outage: known } = outage();
  known.began(hung);
  clock.ms = 1000;
  known.refusal();
  known.ended();
  expect([known.refusal(), known.refusal()]).toEqual([undefined, undefined]);
});

test('one who tried and was never heard of again does not keep the others out', () => {
  const { clock, outage: known } = outage();
  known.began(hung);
  clock.ms = 1000;
  known.refusal();
  clock.ms += 10_000;
  expect(known.refusal()).toBeUndefined();
});
