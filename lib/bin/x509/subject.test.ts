import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commonName, derOfName, parseSubject } from './subject.ts';

const shown = (text: string) =>
  parseSubject(text).map((names) => names.map(({ type, value }) => `${type}=${value}`).join('+'));

describe('a subject', () => {
  test('of RFC 4514 begins with the most specific name, and is encoded the other way round', () => {
    expect(shown('CN=www.example.com,O=Example,C=DE')).toEqual([
      '2.5.4.6=DE',
      '2.5.4.10=Example',
      '2.5.4.3=www.example.com',
    ]);
  });

  test('of openssl is encoded as it stands', () => {
    expect(shown('/C=DE/O=Example/CN=www.example.com')).toEqual(shown('CN=www.example.com,O=Example,C=DE'));
  });

  test.each([
    ['a quoted comma', 'O=Sue\\, Grabbit and Runn', ['2.5.4.10=Sue, Grabbit and Runn']],
    ['quoted UTF-8', 'O=Caf\\C3\\A9', ['2.5.4.10=Café']],
    ['a quoted space at the end', 'O=x\\ ', ['2.5.4.10=x ']],
    ['spaces around separators', ' CN = a , O = b ', ['2.5.4.10=b', '2.5.4.3=a']],
    ['a quoted slash', '/O=a\\/b/CN=c', ['2.5.4.10=a/b', '2.5.4.3=c']],
    ['an attribute by its number', '1.2.3.4=x', ['1.2.3.4=x']],
    ['a value with an equals sign', 'O=a=b', ['2.5.4.10=a=b']],
    ['names in any case', 'cn=a,dc=example', ['0.9.2342.19200300.100.1.25=example', '2.5.4.3=a']],
  ])('%s is read', (_what, text, names) => {
    expect(shown(text)).toEqual(names);
  });

  test('has as many parts of one type as it needs: only one set of names may have no two', () => {
    expect(shown('OU=a,OU=b')).toEqual(['2.5.4.11=b', '2.5.4.11=a']);
  });

  test('names of one set are encoded in the order of their bytes, however they are written', () => {
    const [sequence, set, cn, ou] = ['301d', '311b', '300906035504030c024a53', '300e060355040b0c0753616c65732045'];
    const der = `${sequence}${set}${cn}${ou}`;
    for (const text of ['OU=Sales E+CN=JS', 'CN=JS+OU=Sales E', '/OU=Sales E+CN=JS']) {
      expect(Buffer.from(derOfName(parseSubject(text))).toString('hex')).toBe(der);
    }
    // The shorter encoding first: its length byte is smaller.
    expect(shown('OU=Sales+CN=J. Smith')).toEqual(['2.5.4.11=Sales+2.5.4.3=J. Smith']);
    expect(shown('CN=J. Smith+OU=Sales')).toEqual(['2.5.4.11=Sales+2.5.4.3=J. Smith']);
  });

  test.each([
    ['', /it is empty/],
    ['www.example.com', /"www.example.com" has no =/],
    ['XX=1', /XX is no attribute; there are CN, C,/],
    ['C=DEU', /C has more than 2 characters/],
    ['C=1!', /C cannot be "1!"/],
    [`CN=${'a'.repeat(65)}`, /CN has more than 64 characters/],
    ['CN=good.exa\tmple.com', /CN cannot be "good.exa\\tmple.com"/],
    ['CN=good.exa\u034fmple.com', /CN cannot be/],
    ['CN=a\nb', /CN cannot be "a\\nb"/],
    ['CN=a\\', /it ends with a backslash/],
    ['CN=a<b', /is not quoted/],
    ['CN=', /CN cannot be ""/],
    ['CN=\\FF', /is not UTF-8/],
    ['CN=a+CN=a', /CN stands twice in "CN=a\+CN=a"/],
    ['CN=a+ cn = a,O=x', /CN stands twice/],
    ['CN=a+CN=b', /CN stands twice in "CN=a\+CN=b"/],
    ['O=x,CN=a+OU=b+commonName=c', /CN stands twice in "CN=a\+OU=b\+commonName=c"/],
    ['/C=DE/DC=a+DC=b', /DC stands twice/],
    ['2.5.4.3=a+CN=b', /CN stands twice/],
    ['1.2.3.4=a+OID.1.2.3.4=b', /1\.2\.3\.4 stands twice/],
  ])('%j is refused with the reason', (text, reason) => {
    expect(() => parseSubject(text)).toThrow(reason);
  });

  test('any common name survives when what is special is quoted', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter(
        (text) =>
          text.trim() === text &&
          !text.startsWith('#') &&
          [...text].length <= 64 &&
          !/[\p{Cc}\p{Default_Ignorable_Code_Point}]/u.test(text),
      );
    fc.assert(
      fc.property(name, (text) => {
        const quoted = text.replaceAll(/[\\,+"<>;/]/g, '\\$&');
        expect(commonName(parseSubject(`CN=${quoted},C=DE`))).toBe(text);
        expect(commonName(parseSubject(`/C=DE/CN=${quoted}`))).toBe(text);
      }),
    );
  });
});
