import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { openRecords, type Records } from '../store/records.ts';
import { type KeyVersion, newestOf } from './key-model.ts';
import { KeyRing, maxVersions } from './key-ring.ts';

let records: Records;
let ring: KeyRing;
let nowS = 1_000_000;

beforeEach(() => {
  records = openRecords(':memory:');
  ring = new KeyRing(records, () => nowS);
});

const versionOf = (name: string): KeyVersion => ({
  name,
  version: randomBytes(16).toString('hex'),
  sequence: ring.nextSequence(),
  material: { kty: 'oct-HSM', bits: 256 },
  sealedKey: '',
  keyOps: [],
  enabled: true,
  created: nowS,
  updated: nowS,
  exportable: false,
  tags: {},
});

const addNew = (name: string) => ring.add(versionOf(name));

describe('a ring is full', () => {
  test('with 5000 keys, deleted ones counted; a new version of one of them still fits', () => {
    for (let i = 0; i < 5000; i += 1) addNew(`key-${i}`);
    ring.delete('key-0', 90);
    expect(() => addNew('one-more')).toThrow('already holds 5000 keys');
    addNew('key-1');
    ring.purge('key-0');
    addNew('one-more');
  });

  test('not with deleted keys whose time of purge has come', () => {
    for (let i = 0; i < 5000; i += 1) addNew(`key-${i}`);
    ring.delete('key-0', 7);
    nowS += 7 * 86_400 - 1;
    expect(() => addNew('one-more')).toThrow('already holds 5000 keys');
    nowS += 1;
    addNew('one-more');
  });

  test('for a key with 100 versions', () => {
    for (let i = 0; i < maxVersions; i += 1) addNew('k');
    expect(() => addNew('K')).toThrow('already has 100 versions');
  });
});

test('a deleted key is not among all keys, as for a backup, once its time of purge has come', () => {
  addNew('kept');
  addNew('gone');
  ring.delete('gone', 7);
  expect([...ring.all()].map(({ name }) => name)).toEqual(['kept', 'gone']);
  nowS += 7 * 86_400;
  expect([...ring.all()].map(({ name }) => name)).toEqual(['kept']);
});

test('whatever happens to keys, a ring that is opened again holds the same', () => {
  const names = fc.constantFrom('a', 'A', 'b', 'c');
  const step = fc.tuple(fc.constantFrom('add', 'delete', 'recover', 'purge', 'overwrite', 'time'), names);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      records = openRecords(':memory:');
      ring = new KeyRing(records, () => nowS);
      for (const [what, name] of steps) attempt(what, name);
      const again = new KeyRing(records, () => nowS);
      expect(pictureOf(again)).toEqual(pictureOf(ring));
    }),
    { numRuns: 60 },
  );
});

/** Some steps are refused in some states; what counts is what they leave. */
function attempt(what: string, name: string): void {
  const actions: Record<string, () => unknown> = {
    add: () => addNew(name),
    delete: () => ring.delete(name, 7),
    recover: () => ring.recover(name),
    purge: () => ring.purge(name),
    overwrite: () => ring.overwrite([{ name, versions: [versionOf(name), versionOf(name)] }], 'drop'),
    time: () => {
      nowS += 3 * 86_400;
    },
  };
  try {
    actions[what]?.();
  } catch {
    // Refused.
  }
}

function pictureOf(each: KeyRing) {
  const keys = [...each.all()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const live = each.pageLive('', 100).map(newestOf);
  return { keys, live, deleted: each.pageDeleted('', 100) };
}
