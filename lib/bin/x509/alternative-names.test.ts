import { describe, expect, test } from 'vitest';
import { hostName, parseAlternativeNames } from './alternative-names.ts';

describe('alternative names', () => {
  test('come one an option, or several with commas', () => {
    const names = parseAlternativeNames([
      'DNS:a.example,ip:192.0.2.1',
      'URI:https://a.example/?x=1,2',
      'email:ops@a.example',
    ]);
    expect(names).toMatchObject([
      { dNSName: 'a.example' },
      { iPAddress: '192.0.2.1' },
      { uniformResourceIdentifier: 'https://a.example/?x=1,2' },
      { rfc822Name: 'ops@a.example' },
    ]);
  });

  test('of other scripts are written in ASCII', () => {
    expect(parseAlternativeNames(['DNS:*.bücher.example'])).toMatchObject([{ dNSName: '*.xn--bcher-kva.example' }]);
  });

  test.each([
    'DNS:a b',
    'DNS:good.exa\tmple.com',
    'DNS:good.example.com\n',
    'DNS:a\u00adb.com',
    'email:jane@exa\nmple.com',
    'DNS:192.0.2.1',
    'DNS:a..b',
    'DNS:-a.example',
    'IP:300.1.1.1',
    'IP:fe80::1%eth0',
    'URI:no',
    'email:@b',
    'x.example',
    'dir:x',
  ])('%s is refused', (text) => {
    expect(() => parseAlternativeNames([text])).toThrow(/^--san: /);
  });

  test('a common name that is no host name gives none', () => {
    for (const name of ['Jane Doe', '', '*', 'a.*.example', 'a\nb', 'exa\tmple.com'])
      expect(hostName(name)).toBeUndefined();
  });

  test('no character of a host name is left out in silence, whichever it is', () => {
    const silent: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const name = hostName(`good.exa${String.fromCodePoint(code)}mple.com`);
      if (name === 'good.example.com') silent.push(code.toString(16));
    }
    expect(silent).toEqual([]);
  });
});
