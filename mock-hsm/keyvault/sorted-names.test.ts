import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pageOf, readPageRequest } from './paging.ts';
import { SortedNames } from './sorted-names.ts';

const name = fc.stringMatching(/^[a-z0-9-]{1,8}$/);

test('names behave as a sorted set under any additions and removals', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), name)), (steps) => {
      const names = new SortedNames();
      const model = new Set<string>();
      for (const [isAddition, each] of steps) {
        if (isAddition) names.add(each);
        else names.remove(each);
        if (isAddition) model.add(each);
        else model.delete(each);
      }
      expect(names.all()).toEqual([...model].sort());
    }),
  );
});

test('following nextLink gives every name once, in order, whatever the page size', () => {
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.integer({ min: 1, max: 25 }), (all, maxresults) => {
      const names = new SortedNames();
      for (const each of all) names.add(each);
      const seen: string[] = [];
      let query: Record<string, unknown> | undefined = { maxresults: String(maxresults) };
      while (query !== undefined) {
        const page = readPageRequest(query);
        const found = names.after(page.after, page.count + 1);
        const { elements, nextLink } = pageOf(found, page, 'https://h/keys', (each) => each);
        seen.push(...elements);
        query = nextLink === undefined ? undefined : Object.fromEntries(new URL(nextLink).searchParams);
      }
      expect(seen).toEqual([...all].sort());
    }),
  );
});

test.each(['0', '26', '-1', 'x', '1.5', '', ['1', '2']])('maxresults %s is refused', (maxresults) => {
  expect(() => readPageRequest({ maxresults })).toThrow('it must be 1 to 25');
});
