import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { madeUpResult } from '../made-up-result.ts';
import { complaintsOf, whyNothing } from './failures.ts';

const counted = fc.record({
  count: fc.nat(1000),
  failures: fc.nat(1000),
  failure: fc.constantFrom('', 'C_Sign: 0x30', 'connect: Connection refused'),
});

describe('a point at which nothing succeeded', () => {
  test('is told with the reasons, each once', () => {
    const refused = { count: 0, failures: 7, failure: 'connect: Connection refused' };
    const failed = { count: 0, failures: 2, failure: 'C_Sign: 0x30' };
    expect(whyNothing([refused, failed, refused])).toBe(
      'all 16 operations failed: connect: Connection refused; C_Sign: 0x30',
    );
    expect(whyNothing([{ count: 0, failures: 0, failure: '' }])).toBe('no operation ended');
  });

  test('is one without a single success', () => {
    fc.assert(
      fc.property(fc.array(counted, { minLength: 1 }), (reports) => {
        const isNothing = reports.every(({ count }) => count === 0);
        expect(whyNothing(reports) !== undefined).toBe(isNothing);
      }),
    );
  });
});

describe('a run', () => {
  const { measurements, ...rest } = madeUpResult(['P-256']);
  const [first] = measurements;
  if (first === undefined) throw new Error('the made-up result has measurements');

  test('is complained of for each point that was not measured, and each at which operations failed', () => {
    const failing = { ...first, failures: 3, failureReasons: ['C_Sign: 0x30'] };
    const result = { ...rest, measurements: [first, failing] };
    expect(complaintsOf({ result, unmeasured: ['pem: no nginx'] })).toEqual([
      'not measured: pem: no nginx',
      'failed: 3 operations of library signs P-256 1 1 0ms: C_Sign: 0x30',
    ]);
  });

  test('without either is not', () => {
    expect(complaintsOf({ result: { ...rest, measurements: [first] }, unmeasured: [] })).toEqual([]);
  });
});
