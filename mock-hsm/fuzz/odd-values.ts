// Values that nobody expects: texts, JSON values, and samples with something wrong in them.
import fc from 'fast-check';

const knownOddities = [
  '',
  ' ',
  '.',
  '..',
  '../../etc/passwd',
  '%2e%2e%2f',
  '%00',
  '%zz',
  ';a=b',
  '*',
  '\u0000',
  'a\r\nx-injected: 1',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '-1',
  '1e999',
  'NaN',
  "' OR 1=1 --",
  '<script>alert(1)</script>',
  '\u202ereversed',
  'e\u0301\u0323',
  '\ufeff',
  'İıſK',
  '👩‍👩‍👧‍👦',
  '\ud800',
  '\udfff\ud83d',
  'a+b/',
  'A',
  '====',
  'AA==',
  'P90D',
  'P99999999999999D',
  'PT-5S',
  'P1Y2M3DT4H5M6S',
  '2026-01-01T00:00:00Z',
  '275760-09-13T00:00:00.001Z',
  "principalId eq ''",
  'x'.repeat(127),
  'x'.repeat(5000),
  '()('.repeat(500),
];

export const oddText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...knownOddities) },
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.base64String(),
  fc.uuid(),
);

const oddNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e21, 1e308, 8_640_000_000_001),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

const nested = fc.nat(80).map((depth) => {
  let value: unknown = null;
  for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : { a: value };
  return value;
});

export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: oddText },
  { weight: 2, arbitrary: oddNumber },
  fc.constantFrom(null, true, false, [], {}, [null], [[]], { a: null }),
  fc.jsonValue(),
  nested,
);

type Container = Record<string, unknown>;

/** Every place in a value that can be replaced: its container and its name there. */
function placesIn(value: unknown): [container: Container, name: string][] {
  if (typeof value !== 'object' || value === null) return [];
  const container = value as Container;
  return Object.keys(container).flatMap(
    (name) => [[container, name], ...placesIn(container[name])] as [Container, string][],
  );
}

type Mutation = readonly [kind: 'replace' | 'remove' | 'add' | 'wrap', place: number, name: string, value: unknown];

function mutate(sample: unknown, mutations: readonly Mutation[]): unknown {
  const whole: Container = { root: structuredClone(sample) };
  for (const [kind, place, name, odd] of mutations) {
    const value = structuredClone(odd);
    const places = placesIn(whole);
    const [container, member] = places[place % places.length] ?? [whole, 'root'];
    if (kind === 'replace') container[member] = value;
    else if (kind === 'wrap') container[member] = [container[member]];
    else if (kind === 'remove') delete container[member];
    else {
      const target = container[member];
      if (typeof target !== 'object' || target === null) continue;
      Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
    }
  }
  return whole.root;
}

const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.tuple(fc.constantFrom('replace', 'replace', 'remove', 'add', 'wrap'), fc.nat(200), oddText, oddValue),
  { maxLength: 3 },
);

/** One of the samples, as it is or with up to three things wrong. */
export const mutated = (samples: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.tuple(fc.constantFrom(...samples), mutations).map(([sample, changes]) => mutate(sample, changes));
