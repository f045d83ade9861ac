import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dayS } from './durations.ts';
import type { Key, KeyVersion, RotationPolicy, RotationTrigger } from './key-model.ts';
import type { RotationPolicyBody } from './requests.ts';
import { readRotationPolicy, rotationDueS } from './rotation-policy.ts';

const nowS = Date.UTC(2026, 0, 1) / 1000;

const read = (body: RotationPolicyBody) => readRotationPolicy(body, undefined, nowS);
const rotate = (trigger: object, expiryTime?: string): RotationPolicyBody => ({
  lifetimeActions: [{ trigger, action: { type: 'Rotate' } }],
  ...(expiryTime === undefined ? {} : { attributes: { expiryTime } }),
});

describe('a policy', () => {
  test('is kept as it was written, with its times', () => {
    expect(read(rotate({ timeBeforeExpiry: 'P30D' }, 'P90D'))).toEqual({
      lifetimeActions: [{ trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'Rotate' } }],
      attributes: { expiryTime: 'P90D', created: nowS, updated: nowS },
    });
  });

  test('may be empty, and keeps the time it was first made', () => {
    const old = read({});
    expect(readRotationPolicy({}, old, nowS + 5)).toEqual({
      lifetimeActions: [],
      attributes: { created: nowS, updated: nowS + 5 },
    });
  });

  test('takes the action in any case', () => {
    const body = { lifetimeActions: [{ trigger: { timeAfterCreate: 'P30D' }, action: { type: 'ROTATE' } }] };
    expect(read(body).lifetimeActions[0]?.action.type).toBe('Rotate');
  });

  test.each<[string, RotationPolicyBody, string]>([
    ['an expiry under 28 days', { attributes: { expiryTime: 'P27D' } }, 'at least 28 days'],
    ['an expiry that is no duration', { attributes: { expiryTime: '90 days' } }, 'ISO 8601'],
    ['Notify', { lifetimeActions: [{ trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'notify' } }] }, 'Rotate'],
    [
      'an unknown action',
      { lifetimeActions: [{ trigger: { timeAfterCreate: 'P30D' }, action: { type: 'x' } }] },
      'unknown',
    ],
    [
      'two rotations',
      {
        lifetimeActions: [
          ...(rotate({ timeAfterCreate: 'P30D' }).lifetimeActions ?? []),
          ...(rotate({ timeAfterCreate: 'P40D' }).lifetimeActions ?? []),
        ],
      },
      'more than one',
    ],
    ['a trigger without time', rotate({}), 'either'],
    ['a trigger with two times', rotate({ timeAfterCreate: 'P30D', timeBeforeExpiry: 'P30D' }, 'P90D'), 'either'],
    ['timeBeforeExpiry without expiryTime', rotate({ timeBeforeExpiry: 'P30D' }), 'expiryTime'],
    ['a rotation within a week of creation', rotate({ timeAfterCreate: 'P6D' }), '7 days'],
    ['a rotation within a week of expiry', rotate({ timeAfterCreate: 'P84D' }, 'P90D'), '7 days'],
    ['a rotation after expiry', rotate({ timeAfterCreate: 'P91D' }, 'P90D'), '7 days'],
    ['a rotation before creation', rotate({ timeBeforeExpiry: 'P91D' }, 'P90D'), '7 days'],
  ])('with %s is refused', (_what, body, reason) => {
    expect(() => read(body)).toThrow(reason);
  });
});

describe('a key is due', () => {
  const keyOf = (trigger: RotationTrigger, version: Partial<KeyVersion>, updated = nowS): Key => {
    const rotationPolicy: RotationPolicy = {
      lifetimeActions: [{ trigger, action: { type: 'Rotate' } }],
      attributes: { expiryTime: 'P90D', created: nowS, updated },
    };
    return { name: 'k', versions: [{ created: nowS, ...version } as KeyVersion], rotationPolicy };
  };

  test('after its creation, by days', () => {
    expect(rotationDueS(keyOf({ timeAfterCreate: 'P30D' }, {}))).toBe(nowS + 30 * dayS);
  });

  test('before its expiry, and never without one', () => {
    const exp = nowS + 90 * dayS;
    expect(rotationDueS(keyOf({ timeBeforeExpiry: 'P30D' }, { exp }))).toBe(exp - 30 * dayS);
    expect(rotationDueS(keyOf({ timeBeforeExpiry: 'P30D' }, {}))).toBeUndefined();
  });

  test('never when its time is beyond what a date can hold', () => {
    const exp = Number.MAX_SAFE_INTEGER;
    expect(rotationDueS(keyOf({ timeBeforeExpiry: 'P30D' }, { exp }))).toBeUndefined();
    expect(rotationDueS(keyOf({ timeAfterCreate: 'P999999D' }, { created: 8.64e12 - 1 }))).toBeUndefined();
  });

  test('never while deleted, without a rotation, or with 100 versions', () => {
    const key = keyOf({ timeAfterCreate: 'P30D' }, {});
    const attributes = { created: nowS, updated: nowS };
    const versions = Array.from({ length: 100 }, () => key.versions).flat();
    expect(rotationDueS({ ...key, deletion: { deletedDate: nowS, scheduledPurgeDate: nowS } })).toBeUndefined();
    expect(rotationDueS({ ...key, rotationPolicy: { lifetimeActions: [], attributes } })).toBeUndefined();
    expect(rotationDueS({ ...key, versions })).toBeUndefined();
    expect(rotationDueS({ name: 'k', versions: key.versions })).toBeUndefined();
  });

  test('not before its policy was set', () => {
    const days = fc.integer({ min: 7, max: 1000 });
    fc.assert(
      fc.property(days, days, (age, after) => {
        const key = keyOf({ timeAfterCreate: `P${after}D` }, { created: nowS - age * dayS });
        expect(rotationDueS(key)).toBe(nowS + Math.max(0, after - age) * dayS);
      }),
    );
  });
});
