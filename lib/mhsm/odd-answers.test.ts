import fc from 'fast-check';
import { HttpResponse } from 'msw';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { listedOf, pageOf, resultOf, summaryOf, UnexpectedAnswer, versionOf } from './bundle.ts';
import { HSM, InterceptedAzure, json, VERSION } from './intercepted-azure.ts';

const azure = new InterceptedAzure();
beforeAll(() => azure.enable());
afterEach(() => azure.reset());
afterAll(() => azure.disable());

const kid = (name: string, version = VERSION) => `${HSM}/keys/${name}/${version}`;
const rsa = { kid: kid('k'), kty: 'RSA-HSM', key_ops: ['sign'], n: 'wAE', e: 'AQAB' };
const text = (body: string) => new HttpResponse(body, { headers: { 'content-type': 'application/json' } });

const REFUSED = expect.objectContaining({
  line: expect.stringMatching(/answered .* with something else: .*\(CKR_DEVICE_ERROR /),
  hint: expect.stringMatching(/proxy/),
});

const ODD: readonly (readonly [string, () => Response])[] = [
  ['nothing', () => text('')],
  ['white space', () => text(' \n')],
  ['HTML', () => text('<html><body>Sign in to the network</body></html>')],
  ['half of it', () => text('{"value":"AQ')],
  ['null', () => json(null)],
  ['a list', () => json(['AQID'])],
  ['a number', () => json(7)],
  ['a text', () => json('AQID')],
  ['an empty object', () => json({})],
  ['depth', () => text(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)],
  ['a value of the wrong type', () => json({ value: { value: 'AQID' }, key: 'k', nextLink: 5 })],
  ['a prototype', () => text('{"__proto__":{"value":"AQID","key":{}},"constructor":{"prototype":{"value":"AQID"}}}')],
  ['bytes that are no text', () => new HttpResponse(new Uint8Array([0xff, 0xfe, 0, 0x7b]))],
];

describe.each(ODD)('%s instead of an answer', (_what, answer) => {
  test('is refused for what it is, once, by every operation', async () => {
    const identity = await azure.loggedIn();
    azure.answer = answer;
    await expect(identity.sign('k', VERSION, 'RS256', new Uint8Array(32))).rejects.toEqual(REFUSED);
    await expect(identity.decrypt('k', VERSION, 'RSA-OAEP', new Uint8Array(32))).rejects.toEqual(REFUSED);
    await expect(identity.listKeys()).rejects.toEqual(REFUSED);
    await expect(identity.listVersions('k')).rejects.toEqual(REFUSED);
    await expect(identity.getKey('k')).rejects.toEqual(REFUSED);
    await expect(identity.updateKey('k', VERSION, { tags: {} })).rejects.toEqual(REFUSED);
    await expect(identity.random(4)).rejects.toEqual(REFUSED);
    expect(azure.asked).toHaveLength(7);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

test('an answer without an end is cut off at 8 MiB', async () => {
  const identity = await azure.loggedIn();
  azure.answer = () => json({ value: 'A'.repeat(9 * 1024 * 1024) });
  await expect(identity.sign('k', VERSION, 'RS256', new Uint8Array(32))).rejects.toThrow(/longer than 8 MiB/);
});

describe('a signature', () => {
  const sign = async (body: unknown) => {
    const identity = await azure.loggedIn();
    azure.answer = () => json(body);
    return identity.sign('k', VERSION, 'RS256', new Uint8Array(32));
  };

  test.each([
    ['another key', kid('other')],
    ['another version', kid('k', 'f'.repeat(32))],
    ['no version', `${HSM}/keys/k`],
    ['no key', 'https://myhsm.managedhsm.azure.net/secrets/k'],
    ['a number', 7],
  ])('of %s is refused', async (_what, wrong) => {
    await expect(sign({ kid: wrong, value: 'AQID' })).rejects.toEqual(REFUSED);
  });

  test.each([kid('K'), kid('k', VERSION.toUpperCase()), undefined])(
    'of %s is taken: names have no case',
    async (its) => {
      expect(await sign({ kid: its, value: 'AQID' })).toEqual(Buffer.from([1, 2, 3]));
    },
  );

  test.each(['AQ ID', 'AQ+D', 'AQ/D', 'AQID\n', 'ÄQID', '=AQI'])('%j is not base64url, and refused', async (value) => {
    await expect(sign({ value })).rejects.toThrow(/not base64url/);
  });
});

describe('a key', () => {
  const get = async (body: unknown, version?: string) => {
    const identity = await azure.loggedIn();
    azure.answer = () => json(body);
    return identity.getKey('k', version);
  };

  test.each([
    ['another key', kid('other')],
    ['another version', kid('k', 'f'.repeat(32))],
    ['a key without a version', `${HSM}/keys/k`],
  ])('is refused when it is %s', async (_what, wrong) => {
    await expect(get({ key: { ...rsa, kid: wrong } }, VERSION)).rejects.toEqual(REFUSED);
  });

  test.each([
    ['no modulus', { n: undefined }],
    ['a modulus that is not base64url', { n: 'w A' }],
    ['a modulus of zeros', { n: 'AAAA' }],
    ['an exponent of another type', { e: 65537 }],
    ['an unknown curve', { kty: 'EC-HSM', crv: 'P-1', x: 'AQ', y: 'AQ' }],
    ['a curve that every object has', { kty: 'EC-HSM', crv: 'toString', x: 'AQ', y: 'AQ' }],
    ['a coordinate that is longer than its curve', { kty: 'EC-HSM', crv: 'P-256', x: 'f'.repeat(44), y: 'AQ' }],
    ['one coordinate', { kty: 'EC-HSM', crv: 'P-256', x: 'AQ' }],
    ['an unknown type', { kty: 'OKP' }],
  ])('with %s has no public key', async (_what, fields) => {
    expect((await get({ key: { ...rsa, ...fields } })).publicKey).toBeUndefined();
  });

  test('has none of what has the wrong type', async () => {
    const attributes = { enabled: 'yes', nbf: '1', exp: 1e300, created: null, updated: {} };
    const key = { ...rsa, key_ops: ['sign', 7, null, {}] };
    const read = await get({ key, attributes, tags: { a: 'b', c: 1, d: null, e: ['x'] } });
    const none = { enabled: true, notBefore: undefined, expires: undefined, created: 0, updated: 0 };
    expect(read).toMatchObject({
      ...none,
      tags: { a: 'b' },
      oddTags: { c: '1', d: 'null', e: '["x"]' },
      operations: ['sign'],
    });
  });

  test('has a tag of any name', async () => {
    const body = `{"key":${JSON.stringify(rsa)},"tags":{"__proto__":"x","constructor":"y"}}`;
    const identity = await azure.loggedIn();
    azure.answer = () => text(body);
    const { tags } = await identity.getKey('k');
    expect(Object.entries(tags)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
});

describe('a list', () => {
  const deep = (levels: number): unknown => (levels === 0 ? {} : [deep(levels - 1)]);

  test('loses nothing but the items that cannot be read', async () => {
    const lines: string[] = [];
    const identity = await azure.loggedIn({}, { log: (line) => lines.push(line) });
    const odd = [null, 5, [], {}, { kid: 5 }, { kid: deep(2000) }, { kid: 'x'.repeat(100_000) }, { kid: kid('..') }];
    azure.answer = () => json({ value: [{ kid: `${HSM}/keys/first` }, ...odd, { kid: `${HSM}/keys/last` }] });
    expect((await identity.listKeys()).map(({ name }) => name)).toEqual(['first', 'last']);
    expect(lines).toHaveLength(odd.length);
    for (const line of lines) expect(line.length).toBeLessThan(400);
  });

  test.each([
    'http://myhsm.managedhsm.azure.net/keys',
    'https://myhsm.managedhsm.azure.net:444/keys',
    '//evil.example/k',
  ])('that goes on at %s takes the token nowhere', async (nextLink) => {
    const identity = await azure.loggedIn();
    azure.answer = () => json({ value: [], nextLink });
    await expect(identity.listKeys()).rejects.toThrow(/continued its key list at/);
    expect([azure.asked.length, azure.strangers]).toEqual([1, []]);
  });

  test('that goes in a circle is given up', async () => {
    const identity = await azure.loggedIn();
    azure.answer = () => json({ value: [], nextLink: `${HSM}/keys?$skiptoken=2` });
    await expect(identity.listKeys()).rejects.toThrow(/the list goes in a circle/);
    expect(azure.asked).toHaveLength(2);
  });
});

describe('whatever JSON comes', () => {
  /** Answers that are right but for a part of them. */
  const mutated = fc.oneof(
    fc.jsonValue(),
    fc.record({ key: fc.jsonValue(), attributes: fc.jsonValue(), tags: fc.jsonValue() }),
    fc.record({
      key: fc.record({
        kid: fc.constant(kid('k')),
        kty: fc.constantFrom('RSA', 'EC', 7),
        n: fc.jsonValue(),
        e: fc.jsonValue(),
        crv: fc.constantFrom('P-256', 'x', 1),
        x: fc.jsonValue(),
        y: fc.jsonValue(),
        key_ops: fc.jsonValue(),
      }),
      attributes: fc.dictionary(fc.constantFrom('exp', 'nbf', 'created'), fc.jsonValue()),
    }),
    fc.record({
      kid: fc.oneof(fc.constant(kid('k')), fc.jsonValue()),
      value: fc.jsonValue(),
      nextLink: fc.jsonValue(),
    }),
  );

  const readers: readonly ((answer: unknown) => object)[] = [
    summaryOf,
    listedOf,
    versionOf,
    (answer) => resultOf(answer),
    pageOf,
  ];

  test.each(readers)('%o reads it or throws UnexpectedAnswer, and what it read has the types it promises', (reader) => {
    fc.assert(
      fc.property(mutated, (value) => {
        try {
          const read = reader(value);
          const { created = 0, tags = {}, operations = [] } = read as Partial<ReturnType<typeof versionOf>>;
          expect(new Date(created * 1000).getTime()).not.toBeNaN();
          expect([...Object.values(tags), ...operations].every((part) => typeof part === 'string')).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(UnexpectedAnswer);
        }
      }),
      { numRuns: 500 },
    );
  });
});
