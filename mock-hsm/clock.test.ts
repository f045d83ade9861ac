import { beforeEach, describe, expect, test } from 'vitest';
import { Clock } from './clock.ts';

let sourceMs: number;
let clock: Clock;

beforeEach(() => {
  sourceMs = 1_000_500;
  clock = new Clock(() => sourceMs);
});

describe('the clock', () => {
  test('follows its source, in milliseconds and whole seconds', () => {
    expect([clock.nowMs(), clock.nowS()]).toEqual([1_000_500, 1000]);
    sourceMs += 700;
    expect([clock.nowMs(), clock.nowS()]).toEqual([1_001_200, 1001]);
  });

  test('advances and keeps running', () => {
    clock.advance(5000);
    sourceMs += 1;
    expect(clock.nowMs()).toBe(1_005_501);
  });

  test('frozen, it moves by advance alone, and runs on from there', () => {
    clock.freeze();
    sourceMs += 9999;
    clock.advance(-500);
    expect([clock.nowMs(), clock.isFrozen]).toEqual([1_000_000, true]);
    clock.run();
    sourceMs += 3;
    expect([clock.nowMs(), clock.isFrozen]).toEqual([1_000_003, false]);
  });

  test('an offset counts from the source, not from where the clock stood', () => {
    clock.advance(60_000);
    clock.freeze();
    clock.setOffset(-500);
    expect(clock.nowMs()).toBe(1_000_000);
  });

  test('run without freeze changes nothing', () => {
    clock.advance(10);
    clock.run();
    expect(clock.nowMs()).toBe(1_000_510);
  });
});
