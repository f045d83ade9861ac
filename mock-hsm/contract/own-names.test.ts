import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OwnNames } from './own-names.ts';

const names = new OwnNames('ct-1-');
const name = fc.stringMatching(/^[a-zA-Z0-9-]{1,20}$/).filter((each) => each !== 'restore' && each !== 'providers');

test.each([
  ['/keys', '/keys'],
  ['/keys/restore', '/keys/restore'],
  ['/rng', '/rng'],
  ['/keys/a', '/keys/ct-1-a'],
  ['/keys//a', '/keys//ct-1-a'],
  ['/KEYS/a/0/sign', '/KEYS/ct-1-a/0/sign'],
  ['/deletedkeys/a/recover', '/deletedkeys/ct-1-a/recover'],
  [
    '/keys/providers/Microsoft.Authorization/roleAssignments',
    '/keys/providers/Microsoft.Authorization/roleAssignments',
  ],
  [
    '/keys/a/providers/Microsoft.Authorization/roleAssignments',
    '/keys/ct-1-a/providers/Microsoft.Authorization/roleAssignments',
  ],
])('%s goes out as %s', (path, sent) => {
  expect(names.outgoing(path)).toBe(sent);
});

test('every path of a key names a key of the run, and its answer reads as asked', () => {
  fc.assert(
    fc.property(fc.constantFrom('/keys/', '/deletedkeys/', '/keys//'), name, fc.webPath(), (start, key, rest) => {
      const path = `${start}${key}${rest.startsWith('/') ? rest : ''}`;
      const sent = names.outgoing(path);
      expect(sent.startsWith(`${start}ct-1-${key}`)).toBe(true);
      expect(names.incoming(sent)).toBe(path);
      expect(names.nameIn(path)).toBe(key);
    }),
  );
});
