import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openStore } from '../store/store.ts';
import { Directory, DirectoryError } from './directory.ts';
import type { GroupEntry, UserEntry } from './directory-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-directory-'));

afterAll(() => rmSync(folder, { recursive: true }));

const user = (name: string): UserEntry => ({
  kind: 'User',
  name,
  objectId: randomUUID(),
  upn: `${name}@contoso.test`,
  password: `password of ${name}`,
});

const group = (name: string, members: readonly string[]): GroupEntry => ({
  kind: 'Group',
  name,
  objectId: randomUUID(),
  members,
});

test('entries come back from the store as they were, and no secret is readable there', () => {
  const store = openStore(folder);
  const directory = new Directory(store);
  const principal = directory.ensureServicePrincipal('KEYGEN');
  const alice = user('alice');
  directory.put(alice);
  store.records.close();

  const again = openStore(folder);
  expect(new Directory(again).byName('keygen')).toEqual(principal);
  expect(new Directory(again).byUpn('ALICE@contoso.test')).toEqual(alice);
  again.records.close();
  const bytes = readFileSync(join(folder, 'mock-hsm.db')).toString('latin1');
  expect(bytes).toContain('contoso.test');
  expect(bytes).not.toContain('password of alice');
  expect(bytes).not.toContain(principal.secrets[0]?.value);
});

test('a name, client id or user principal name belongs to one entry', () => {
  const directory = new Directory(openStore());
  const principal = directory.ensureServicePrincipal('app');
  directory.put(user('alice'));
  expect(() => directory.put(user('App'))).toThrow(DirectoryError);
  expect(() => directory.put({ ...principal, name: 'other', objectId: randomUUID() })).toThrow(DirectoryError);
  expect(() => directory.put({ ...user('bob'), upn: 'Alice@contoso.test' })).toThrow(DirectoryError);
});

test('a removed entry is in no group any more', () => {
  const directory = new Directory(openStore());
  const alice = user('alice');
  const team = group('team', [alice.objectId]);
  directory.put(alice);
  directory.put(team);
  directory.remove(alice.objectId);
  expect(directory.byName('alice')).toBeUndefined();
  expect(directory.byObjectId(team.objectId)).toEqual({ ...team, members: [] });
});

test('the groups of an entry are those that a path of memberships leads to, through rings too', () => {
  const ids = Array.from({ length: 6 }, () => randomUUID());
  const id = (index: number) => ids[index] ?? '';
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 14 }), (edges) => {
      const directory = new Directory(openStore());
      ids.forEach((objectId, index) => {
        const members = edges.filter(([outer]) => outer === index).map(([, inner]) => id(inner));
        directory.put({ kind: 'Group', name: `g${index}`, objectId, members });
      });
      // Warshall's closure says the same in another way.
      const reaches = ids.map((_, a) => ids.map((__, b) => edges.some(([outer, inner]) => outer === b && inner === a)));
      for (const k of ids.keys())
        for (const a of ids.keys())
          for (const b of ids.keys()) {
            const row = reaches[a];
            if (row?.[k] && reaches[k]?.[b]) row[b] = true;
          }
      const expected = ids.filter((_, b) => b !== 0 && reaches[0]?.[b]);
      expect(directory.groupsOf(id(0)).sort()).toEqual(expected.sort());
    }),
    { numRuns: 50 },
  );
});
