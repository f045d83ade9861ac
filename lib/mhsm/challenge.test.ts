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
    ['a resource in clear', AZURE.replace('https://managedhsm', 'http://managedhsm'), /not its own/],
    ['the resource of another HSM', AZURE.replace('managedhsm.azure', 'otherhsm.managedhsm.azure'), /not its own/],
    ['a resource with a user', AZURE.replace('managedhsm.azure', 'x@managedhsm.azure'), /not its own/],
    ['a resource with a query', AZURE.replace('azure.net"', 'azure.net?"'), /not its own/],
    ['a resource with a fragment', AZURE.replace('azure.net"', 'azure.net#"'), /not its own/],
    ['a resource with a port', AZURE.replace('managedhsm.azure.net', 'managedhsm.azure.net:8443'), /not its own/],
    ['a tenant that leads elsewhere', AZURE.replace('tenant-1', '%2e%2e%2fx'), /no challenge/],
    ['a challenge in the realm of another', `Basic realm="x, ${AZURE.replaceAll('"', '')}"`, /no challenge/],
    ['a resource with a path', AZURE.replace('managedhsm.azure.net', 'managedhsm.azure.net/api'), /not its own/],
    ['a top-level resource', AZURE.replace('managedhsm.azure.net', 'net'), /not its own/],
    ['no challenge', '', /no challenge/],
    ['another scheme', 'Basic realm="x"', /no challenge/],
    ['no tenant', AZURE.replace('/tenant-1', '/'), /no challenge/],
  ])('refuses %s', (_what, header, message) => {
    expect(() => authorityOf(header, real)).toThrow(message);
  });
});

test.each([
  ['in clear', 'http://login.microsoftonline.com/t'],
  ['on another port', 'https://login.microsoftonline.com:8443/t'],
  ['as the user of another host', 'https://login.microsoftonline.com@evil.example/t'],
  ['as the user of another host, with a password', 'https://login.microsoftonline.com:443@evil.example/t'],
  ['behind a backslash', 'https://evil.example\\\\login.microsoftonline.com/t'],
  ['in the path of another host', 'https://evil.example/login.microsoftonline.com/t'],
  ['with a dot at its end', 'https://login.microsoftonline.com./t'],
  ['in letters that look alike', 'https://login.microsoftonIine.com/t'],
  ['in letters of another script', 'https://login.micr\u043esoftonline.com/t'],
  ['with a domain below it', 'https://x.login.microsoftonline.com/t'],
  ['as something else than an address of the web', 'file://login.microsoftonline.com/t'],
])('an authority of Azure %s is none', (_how, authority) => {
  const header = AZURE.replace('https://login.microsoftonline.com/tenant-1', authority);
  expect(() => authorityOf(header, real)).toThrow(/not an authority of Azure/);
});

test('of several challenges the first Bearer counts, whole', () => {
  const rogue = AZURE.replace('login.microsoftonline.com', 'evil.example');
  expect(authorityOf(`Basic realm="a, b", ${AZURE}, ${rogue}`, real).host).toBe('https://login.microsoftonline.com');
  expect(() => authorityOf(`${rogue}, ${AZURE}`, real)).toThrow(/evil\.example/);
  // Half of one and half of another is none.
  const [authorization = '', resource = ''] = AZURE.split(', ');
  expect(() => authorityOf(`${authorization}, Bearer ${resource}`, real)).toThrow(/no challenge/);
});

test('whatever a challenge says, its authority is one of Azure, and the token for Managed HSM', () => {
  const hosts = fc.constantFrom('login.microsoftonline.com', 'evil.example', 'managedhsm.azure.net', 'myhsm');
  const noise = fc.constantFrom(
    '',
    '@',
    ':443',
    ':8443',
    '.',
    '/',
    '\\',
    '%40',
    '#',
    '?',
    '//',
    'https://',
    'http://',
    ' ',
    '"',
  );
  const url = fc.array(fc.oneof(hosts, noise), { maxLength: 8 }).map((parts) => `https://${parts.join('')}`);
  const header = fc.tuple(url, url).map(([a, r]) => `Bearer authorization="${a}", resource="${r}"`);
  fc.assert(
    fc.property(header, (text) => {
      try {
        const { host, resource } = authorityOf(text, { ...real, tenantId: 'mine' });
        expect([host, resource]).toEqual(['https://login.microsoftonline.com', 'https://managedhsm.azure.net']);
      } catch (error) {
        expect(error).toMatchObject({ hint: expect.any(String) });
      }
    }),
    { numRuns: 2000 },
  );
});

test('a challenge is read back as it was written', () => {
  const name = fc.stringMatching(/^[a-z][a-z_]{0,9}$/);
  const value = fc.string({ unit: 'grapheme-ascii' });
  fc.assert(
    fc.property(fc.dictionary(name, value, { noNullPrototype: true, minKeys: 1 }), (parameters) => {
      const escaped = (text: string) => text.replace(/["\\]/g, '\\$&');
      const written = Object.entries(parameters).map(([key, text]) => `${key}="${escaped(text)}"`);
      expect(Object.fromEntries(parseChallenge(`Bearer ${written.join(', ')}`))).toEqual(parameters);
    }),
  );
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
