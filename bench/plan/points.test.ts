import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KEY_TYPES, point, SIGNERS } from '../result.ts';
import {
  chosenBy,
  distance,
  fullForm,
  HSM_SPEEDS,
  isRedundant,
  MAX_CONNECTIONS,
  matches,
  nameOf,
  quickForm,
  speedName,
  usesHsm,
  WORKERS,
} from './points.ts';

const full = fullForm();
const quick = quickForm();
const anyPoint = fc.constantFrom(...full, ...quick);

describe.each([
  ['full', full],
  ['quick', quick],
])('the %s form', (_, points) => {
  test('measures no point twice', () => {
    expect(new Set(points.map(nameOf)).size).toBe(points.length);
  });

  test('holds points alone', () => {
    for (const each of points) expect(point.parse(each)).toEqual(each);
  });

  test('names connections and speed exactly where there is an HSM', () => {
    for (const each of points) {
      expect(each.hsm !== null).toBe(usesHsm(each.signer));
      expect(each.maxConnections !== null).toBe(usesHsm(each.signer));
    }
  });

  test('has every signer', () => {
    expect(new Set(points.map(({ signer }) => signer))).toEqual(new Set(SIGNERS));
  });
});

describe('the full form', () => {
  test('has the library under both loads at every combination', () => {
    const library = full.filter(({ signer }) => signer === 'library');
    const combinations = MAX_CONNECTIONS.length * WORKERS.length * HSM_SPEEDS.length * KEY_TYPES.length;
    expect(library).toHaveLength(2 * combinations);
  });

  test('draws whole lines before planes, and repeats at the very end', () => {
    const ranks = full.map((each) => [isRedundant(each) ? 1 : 0, distance(each)] as const);
    for (const [index, [redundant, far]] of ranks.entries()) {
      const [redundantBefore, farBefore] = ranks[index - 1] ?? [0, 0];
      expect(redundant).toBeGreaterThanOrEqual(redundantBefore);
      if (redundant === redundantBefore) expect(far).toBeGreaterThanOrEqual(farBefore);
    }
  });

  test('calls a point redundant only where another one has the same workers and connections enough for them', () => {
    for (const each of full.filter(isRedundant)) {
      const { workers, maxConnections } = each;
      const twin = MAX_CONNECTIONS.find((fewer) => fewer >= workers && fewer < (maxConnections ?? 0));
      expect(full.map(nameOf)).toContain(nameOf({ ...each, maxConnections: twin ?? null }));
    }
  });
});

test('the name of a point tells all points apart, and does not depend on the order of its properties', () => {
  fc.assert(
    fc.property(anyPoint, anyPoint, (a, b) => {
      const shuffled = Object.fromEntries(Object.entries(a).reverse()) as typeof a;
      expect(nameOf(shuffled)).toBe(nameOf(a));
      expect(nameOf(a) === nameOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
});

describe('a filter', () => {
  test('that names nothing lets every point through', () => {
    fc.assert(
      fc.property(anyPoint, (each) => {
        expect(matches(each, {})).toBe(true);
      }),
    );
  });

  test('lets a point through by its own values, and not by those of others', () => {
    fc.assert(
      fc.property(anyPoint, anyPoint, (a, b) => {
        const workers = [String(b.workers)];
        const hsm = [b.hsm === null ? 'none' : speedName(b.hsm)];
        expect(matches(b, { workers, hsm, signer: [b.signer], load: [b.load] })).toBe(true);
        expect(matches(a, { workers })).toBe(a.workers === b.workers);
        expect(matches(a, { maxConnections: [String(b.maxConnections ?? 'none')] })).toBe(
          a.maxConnections === b.maxConnections,
        );
      }),
    );
  });
});

test('what a filter chooses is the same in whichever order it was said', () => {
  expect(chosenBy({ workers: ['4', '1', '4'], load: undefined })).toEqual({ workers: ['1', '4'] });
  expect(chosenBy({})).toEqual({});
});
