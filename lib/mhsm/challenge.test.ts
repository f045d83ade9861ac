import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authorityOf, parseChallenge } from './challenge.ts';

const AZURE =
  'Bearer authorization="https://login.microsoftonline.com/tenant-1", resource="https://managedhsm.azure.net"';
const real = { baseUrl: 'https://myhsm.managedhsm.azure.net', path: 'tokens[0]' };

describe('authorityOf', () => {
  test("reads Azure's challenge", () => {
    expect(authorityOf(AZURE, real)).toEqual({
      host: 'https://login.microsoftonline.com',
      tenantId: 'tenant-1',
      resource: 'https://managedhsm.azure.net',
      wellKnown: true,
    });
  });

  test('configured tenant and authority win', () => {
    const configured = { ...real, tenantId: 'mine', authorityHost: 'https://localhost:8443/' };
    expect(authorityOf(AZURE, configured)).toMatchObject({
      host: 'https://localhost:8443',
      tenantId: 'mine',
      wellKnown: false,
    });
  });

  test('a resource above the host is its own, with its port', () => {
    const header = 'Bearer authorization="https://login.microsoftonline.com/t", resource="https://hsm.test:8443"';
    expect(
      authorityOf(header, { baseUrl: 'https://a.hsm.test:8443', path: 'p', authorityHost: 'https://hsm.test:8443' })
        .resource,
    ).toBe('https://hsm.test:8443');
  });

  test.each([
    [
      'a rogue authority',
      AZURE.replace('login.microsoftonline.com', 'login.evil.example'),
      /evil\.example, which is not an authority of Azure/,
    ],
    [
      'a lookalike authority',
      AZURE.replace('login.microsoftonline.com', 'login.microsoftonline.com.evil.example'),
      /not an authority/,
    ],
    [
      'a token for another service',
      AZURE.replace('managedhsm.azure.net', 'management.azure.com'),
      /management\.azure\.com, which is not its own/,
    ],
    ['a resource with a path', AZURE.replace('managedhsm.azure.net', 'managedhsm.azure.net/api'), /not its own/],
    ['a top-level resource', AZURE.replace('managedhsm.azure.net', 'net'), /not its own/],
    ['no challenge', '', /no challenge/],
    ['another scheme', 'Basic realm="x"', /no challenge/],
    ['no tenant', AZURE.replace('/tenant-1', '/'), /no challenge/],
  ])('refuses %s', (_what, header, message) => {
    expect(() => authorityOf(header, real)).toThrow(message);
  });
});

test('parseChallenge never fails and finds quoted and bare values', () => {
  fc.assert(
    fc.property(fc.string(), (noise) => {
      expect(parseChallenge(`Bearer ${noise}`)).toBeInstanceOf(Map);
    }),
  );
  expect([...parseChallenge('Bearer a="b=c",D=e')]).toEqual([
    ['a', 'b=c'],
    ['d', 'e'],
  ]);
});
