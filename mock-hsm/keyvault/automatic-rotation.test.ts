import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openRecords } from '../store/records.ts';
import { createSeal } from '../store/seal.ts';
import { AutomaticRotation } from './automatic-rotation.ts';
import { CryptoPool } from './crypto-pool.ts';
import { dayS } from './durations.ts';
import type { RotationTrigger } from './key-model.ts';
import { KeyRing } from './key-ring.ts';
import { KeyService } from './key-service.ts';

const startS = Date.UTC(2026, 0, 1) / 1000;
let nowS = startS;
let keys: KeyService;
let rotation: AutomaticRotation;

beforeEach(() => {
  nowS = startS;
  const ring = new KeyRing(openRecords(':memory:'), () => nowS);
  const pool = { retentionDays: 90, purgeProtection: false };
  keys = new KeyService(ring, pool, createSeal(Buffer.alloc(32)), new CryptoPool(0), () => nowS);
  rotation = new AutomaticRotation(keys, () => nowS);
});

afterEach(() => vi.restoreAllMocks());

async function create(name: string, trigger: RotationTrigger, body: object = {}): Promise<void> {
  await keys.create(name, { kty: 'EC-HSM', ...body });
  keys.ring.setRotationPolicy(name, {
    lifetimeActions: [{ trigger, action: { type: 'Rotate' } }],
    attributes: { created: nowS, updated: nowS },
  });
}

const daysOf = (name: string) => keys.ring.live(name).versions.map(({ created }) => (created - startS) / dayS);

/** Generating takes its time, and is not what is tested. */
const rotateAtOnce = () =>
  vi.spyOn(keys, 'rotate').mockImplementation(async (name, atS = nowS) => {
    const old = keys.ring.version(name);
    const made = { ...old, version: `${name} ${atS}`, created: atS, sequence: keys.ring.nextSequence() };
    keys.ring.add(made);
    return made;
  });

/** @returns how many requests had to settle something */
async function settleAll(): Promise<number> {
  let count = 0;
  for (; rotation.isDue; count += 1) await rotation.settle();
  return count;
}

test('a key that takes long to make gets versions for its newest missed periods alone', async () => {
  await create('slow', { timeAfterCreate: 'P7D' }, { kty: 'RSA-HSM', key_size: 3072 });
  rotateAtOnce();
  nowS += 20 * 7 * dayS;
  expect(await settleAll()).toBe(1);
  expect(daysOf('slow')).toEqual([0, 17, 18, 19, 20].map((weeks) => weeks * 7));
});

test('a key that is made quickly gets all of them', async () => {
  await create('quick', { timeAfterCreate: 'P7D' });
  nowS += 1000 * dayS;
  expect(await settleAll()).toBe(1);
  expect(daysOf('quick')).toEqual(Array.from({ length: 100 }, (_, week) => week * 7));
});

test('what many keys need beyond the bound is made by the requests that follow, oldest first', async () => {
  const days = Array.from({ length: 12 }, (_, i) => 20 - i);
  for (const each of days) await create(`k${each}`, { timeAfterCreate: `P${each}D` }, { kty: 'RSA-HSM' });
  const rotate = rotateAtOnce();
  nowS += 45 * dayS;
  await rotation.settle();
  expect(rotate).toHaveBeenCalledTimes(20);
  expect(await settleAll()).toBe(1);
  const times = rotate.mock.calls.map(([, atS]) => Number(atS));
  expect(times).toHaveLength(days.reduce((sum, each) => sum + Math.floor(45 / each), 0));
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test('a key that cannot be rotated is named on stderr once, and others are rotated', async () => {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await create('broken', { timeAfterCreate: 'P7D' });
  await create('sound', { timeAfterCreate: 'P8D' });
  const rotate = keys.rotate.bind(keys);
  vi.spyOn(keys, 'rotate').mockImplementation(async (name, atS) => {
    if (name === 'broken') throw new Error('no entropy');
    return rotate(name, atS);
  });
  nowS += 10 * dayS;
  expect(await settleAll()).toBe(1);
  expect(daysOf('sound')).toEqual([0, 8]);
  expect(stderr.mock.calls.map(String)).toEqual([expect.stringMatching(/key broken .*no entropy\n/)]);
});

test('a key whose time is beyond what a date can hold is never due', async () => {
  await create('endless', { timeBeforeExpiry: 'P30D' }, { attributes: { exp: Number.MAX_SAFE_INTEGER } });
  nowS += 1000 * dayS;
  expect(rotation.isDue).toBe(false);
});
