import { describe, expect, test } from 'vitest';
import type { KeySummary } from '../core/hsm.ts';
import { KeyList } from './key-list.ts';

const key = (name: string): KeySummary => ({
  name,
  enabled: true,
  notBefore: undefined,
  expires: undefined,
  created: 1,
  updated: 1,
  tags: {},
});

function list() {
  const service = { keys: [key('a')], sweeps: 0, ms: 0, msOfSweep: 0 };
  const sweep = async () => {
    service.sweeps++;
    service.ms += service.msOfSweep;
    return structuredClone(service.keys);
  };
  return { service, keys: new KeyList(sweep, 1000, () => service.ms) };
}

test('one sweep serves all who ask, and all who ask later', async () => {
  const { service, keys } = list();
  const [one, two] = await Promise.all([keys.get(false), keys.get(false)]);
  expect(one).toBe(two);
  expect(await keys.get(false)).toBe(one);
  expect(service.sweeps).toBe(1);
});

test('a list past its time is still given, and read again behind it', async () => {
  const { service, keys } = list();
  const old = await keys.get(false);
  expect(keys.sweeps).toBe(1);
  service.ms = 1000;
  service.keys.push(key('b'));
  expect(await keys.get(false)).toBe(old);
  await new Promise(setImmediate);
  expect(await keys.get(false)).toHaveLength(2);
  expect(keys.sweeps).toBe(2);
  expect(service.sweeps).toBe(2);
});

test('a fresh list is a new sweep, and the same array when nothing changed', async () => {
  const { service, keys } = list();
  const old = await keys.get(false);
  expect(await keys.get(true)).toBe(old);
  service.keys.push(key('b'));
  expect(await keys.get(true)).not.toBe(old);
  expect(service.sweeps).toBe(3);
});

test('who asks for a fresh list while the first is read waits for one that began after that', async () => {
  const { service, keys } = list();
  const first = keys.get(false);
  service.keys.push(key('b'));
  const [one, two] = await Promise.all([keys.get(true), keys.get(true)]);
  expect(await first).toHaveLength(1);
  expect(one).toHaveLength(2);
  expect(two).toBe(one);
  expect(service.sweeps).toBe(2);
});

test('after an own change nobody gets the list from before it', async () => {
  const { service, keys } = list();
  await keys.get(false);
  service.keys.push(key('b'));
  keys.invalidate();
  expect(await keys.get(false)).toHaveLength(2);
});

describe('searches that met nothing', () => {
  const search = async ({ service, keys }: ReturnType<typeof list>, name: string) => {
    service.keys.push(key(name));
    return (await keys.getSparingly()).some((each) => each.name === name);
  };

  test('now and then find what was just made', async () => {
    const both = list();
    await both.keys.get(false);
    for (let i = 0; i < 10; i++) {
      both.service.ms += 1000;
      expect(await search(both, `made ${i}`)).toBe(true);
    }
  });

  test('in a row do so three times, then at most once a second', async () => {
    const both = list();
    await both.keys.get(false);
    const found: boolean[] = [];
    for (let i = 0; i < 20; i++) {
      both.service.ms += 100;
      found.push(await search(both, `made ${i}`));
    }
    expect(found.slice(0, 3)).toEqual([true, true, true]);
    expect(both.service.sweeps).toBeLessThanOrEqual(1 + 3 + 2);
    both.service.ms += 1000;
    expect((await both.keys.getSparingly()).map(({ name }) => name)).toContain('made 19');
  });

  test('meet what was made a second and the duration of one list ago, however long that takes', async () => {
    const service = { ms: 0, made: [] as { name: string; ms: number }[] };
    // As the service does: a page shows what was there when it was asked for.
    const sweep = async () => {
      const keys = service.made.map(({ name }) => key(name));
      service.ms += 5000;
      return keys;
    };
    const keys = new KeyList(sweep, 600_000, () => service.ms);
    const missing: string[] = [];
    let spared = 0;
    for (let i = 0; i < 100; i++) {
      service.made.push({ name: `made ${i}`, ms: service.ms });
      service.ms += 300;
      const old = service.made.filter(({ ms }) => ms <= service.ms - 1000 - 5000);
      const list = await keys.getSparingly(undefined, () => {
        spared++;
      });
      const listed = new Set(list.map(({ name }) => name));
      missing.push(...old.map(({ name }) => name).filter((name) => !listed.has(name)));
    }
    expect(missing).toEqual([]);
    expect(spared).toBeGreaterThan(50);
  });

  const isSpared = async (keys: KeyList) => {
    let spared = false;
    await keys.getSparingly(undefined, () => {
      spared = true;
    });
    return spared;
  };

  test('are told when the list given is one that began before them, kept or under way', async () => {
    const { service, keys } = list();
    const told: boolean[] = [];
    for (let i = 0; i < 5; i++) told.push(await isSpared(keys));
    expect(told).toEqual([false, false, false, true, true]);
    service.ms += 1000;
    expect(await Promise.all([isSpared(keys), isSpared(keys)])).toEqual([false, false]);
    keys.invalidate();
    const underWay = keys.get(false);
    expect(await isSpared(keys)).toBe(true);
    await underWay;
    keys.invalidate();
    expect(await isSpared(keys)).toBe(false);
  });

  test('of a list that takes long to read do not wait for one each', async () => {
    const both = list();
    both.service.msOfSweep = 10_000;
    for (let i = 0; i < 20; i++) await search(both, `made ${i}`);
    expect(both.service.sweeps).toBeLessThanOrEqual(1 + 3);
  });

  test('at the same time share one list, which began after the last of them', async () => {
    const { service, keys } = list();
    await keys.get(false);
    service.keys.push(key('made'));
    const lists = await Promise.all(Array.from({ length: 64 }, () => keys.getSparingly()));
    for (const each of lists) expect(each).toHaveLength(2);
    expect(service.sweeps).toBe(2);
  });

  test('where there is no list yet read it', async () => {
    const { service, keys } = list();
    for (let i = 0; i < 5; i++) {
      keys.invalidate();
      await keys.getSparingly();
    }
    expect(service.sweeps).toBe(5);
  });
});
