import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentlyUsed } from './recently-used.ts';

const most = 3;
const step = fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.constantFrom('a', 'b', 'c', 'd', 'e'));

test('what was used last is there, and of all else it is told that it went', () => {
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const told: string[] = [];
      const recent = new RecentlyUsed<string>(most, (id) => told.push(id));
      /** Least recently used first. */
      let model: string[] = [];
      const gone: string[] = [];
      for (const [what, id] of steps) {
        const isThere = model.includes(id);
        const rest = model.filter((each) => each !== id);
        if (what === 'get') {
          expect(recent.get(id)).toBe(isThere ? id.toUpperCase() : undefined);
          if (isThere) model = [...rest, id];
        } else if (what === 'set') {
          recent.set(id, id.toUpperCase());
          gone.push(...[...rest, id].slice(0, -most));
          model = [...rest, id].slice(-most);
        } else {
          recent.delete(id);
          if (isThere) gone.push(id);
          model = rest;
        }
        expect(told).toEqual(gone);
      }
    }),
  );
});
