import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainPath } from './server.ts';

test.each([
  ['/keys/k/?api-version=7.4', '/keys/k?api-version=7.4'],
  ['/keys/k//sign?api-version=7.4', '/keys/k/sign?api-version=7.4'],
  ['///providers/x', '/providers/x'],
  ['/', '/'],
  ['//', '/'],
  ['/keys?next=a//b/', '/keys?next=a//b/'],
  ['https://x.managedhsm.azure.net/keys/?a=b', '/keys?a=b'],
  ['HTTPS://localhost:8443', '/'],
])('%s is routed as %s', (url, expected) => {
  expect(plainPath(url)).toBe(expected);
});

test('a plain path has no empty segment and stays as it is', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\/[a-z/]{0,12}(\?[a-z=/&]{0,8})?$/), (url) => {
      const plain = plainPath(url);
      expect(plain.split('?', 1)[0]).toMatch(/^\/$|^(\/[^/]+)+$/);
      expect(plainPath(plain)).toBe(plain);
    }),
  );
});
