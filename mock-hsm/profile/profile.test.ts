import { describe, expect, test } from 'vitest';
import { Profile } from './profile.ts';
import { type ProfileSettings, profileBody, readCapacity } from './settings.ts';

const profile = (settings: Partial<ProfileSettings> = {}) => new Profile(profileBody.parse(settings), () => 0.5);

/** What one partition does in a second, seen from the time one request takes alone. */
function rateOf(settings: Partial<ProfileSettings>, operation: string, keyType?: string): number | undefined {
  const turn = profile(settings).enter(operation, keyType, 0);
  return turn === undefined ? undefined : Math.round((10 / turn.finishMs) * 1000);
}

describe('standard-b1', () => {
  const standard = { profile: 'standard-b1' } as const;

  test.each([
    ['sign', 'RSA-2048', 900],
    ['sign', 'RSA-3072', 340],
    ['sign', 'RSA-4096', 150],
    ['sign', 'P-256', 330],
    ['sign', 'P-256K', 330],
    ['sign', 'P-384', 160],
    ['sign', 'P-521', 200],
    ['verify', 'P-521', 28],
    ['verify', 'RSA-4096', 3700],
    ['decrypt', 'RSA-3072', 360],
    ['unwrapKey', 'AES-256', 2200],
    ['get', 'P-256', 1100],
  ])('%s with %s: %d a second and partition', (operation, keyType, published) => {
    expect(rateOf(standard, operation, keyType)).toBe(published);
  });

  test.each(['list', 'rng', 'token', 'getRoleAssignment', 'create'])('%s takes no time in the HSM', (operation) => {
    expect(profile(standard).enter(operation, undefined, 0)).toBeUndefined();
  });

  test('thirty signs start at once, the next waits for the first to end', () => {
    const pool = profile(standard);
    const starts = Array.from({ length: 31 }, () => pool.enter('sign', 'RSA-2048', 0)?.startMs);
    expect(starts.filter((start) => start === 0)).toHaveLength(30);
    expect(starts.at(-1)).toBeCloseTo(10_000 / 900, 6);
  });

  test('with one partition ten start at once', () => {
    const pool = profile({ ...standard, partitions: 1 });
    const starts = Array.from({ length: 30 }, () => pool.enter('sign', 'RSA-2048', 0)?.startMs);
    expect(starts.filter((start) => start === 0)).toHaveLength(10);
  });

  test.each([
    [['create'], 2],
    [['delete'], 20],
    [['purge'], 20],
    [['backup'], 20],
    [['restore'], 20],
    [['putRoleAssignment', 'listRoleDefinitions', 'deleteRoleAssignment'], 10],
  ])('%j is refused after a burst of %d, and passes again later', (operations, burst) => {
    const pool = profile(standard);
    const tries = Array.from({ length: burst + 1 }, (_, i) =>
      pool.throttle(operations[i % operations.length] ?? '', 0),
    );
    expect(tries.slice(0, -1).every((waitMs) => waitMs === 0)).toBe(true);
    expect(tries.at(-1)).toBeGreaterThan(0);
    expect(pool.throttle(operations[0] ?? '', 5000)).toBe(0);
  });

  test.each(['sign', 'get', 'list', 'token'])('%s is never refused', (operation) => {
    const pool = profile(standard);
    expect(Array.from({ length: 10_000 }, () => pool.throttle(operation, 0)).every((waitMs) => waitMs === 0)).toBe(
      true,
    );
  });
});

test('without a profile nothing waits and nothing is refused', () => {
  const pool = profile();
  expect(pool.enter('sign', 'RSA-2048', 0)).toBeUndefined();
  expect(Array.from({ length: 1000 }, () => pool.throttle('create', 0)).every((waitMs) => waitMs === 0)).toBe(true);
  expect(pool.rates()).toEqual({});
});

describe('a capacity of its own', () => {
  const capacity = { 'sign:RSA-2048': 1100 };

  test('replaces one figure of the profile', () => {
    expect(rateOf({ profile: 'standard-b1', capacity }, 'sign', 'RSA-2048')).toBe(1100);
    expect(rateOf({ profile: 'standard-b1', capacity }, 'sign', 'RSA-3072')).toBe(340);
  });

  test('stands alone without a profile', () => {
    expect(rateOf({ capacity }, 'sign', 'RSA-2048')).toBe(1100);
    expect(rateOf({ capacity }, 'sign', 'P-256')).toBeUndefined();
  });

  test('holds for all key types when it names none', () => {
    expect(rateOf({ profile: 'standard-b1', capacity: { sign: 77 } }, 'sign', 'P-384')).toBe(77);
    expect(profile({ profile: 'standard-b1', capacity: { sign: 77 } }).rates()).not.toHaveProperty(['sign:P-384']);
  });

  test('sets a limit where the operation is limited', () => {
    const pool = profile({ capacity: { create: 1 } });
    expect([0, 0, 0].map(() => pool.throttle('create', 0) > 0)).toEqual([false, false, true]);
  });

  test('is read from its flag, one after another', () => {
    expect(readCapacity('create=5', readCapacity('sign:RSA-2048=1100'))).toEqual({ 'sign:RSA-2048': 1100, create: 5 });
  });

  test.each(['sign', 'sign=', 'sign=0', 'sign=-1', 'sing=5', 'sign:RSA-1024=5', 'sign:RSA-2048=fast'])(
    '%s is refused',
    (text) => expect(() => readCapacity(text)).toThrow(/must|unknown|small|expected/i),
  );
});

test.each([{ partitions: 0 }, { partitions: 4 }, { latency: 'slow' }, { profile: 'premium' }, { colour: 'red' }])(
  'settings %j are refused',
  (settings) => expect(profileBody.safeParse(settings).success).toBe(false),
);
