import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Gate, type Waiter } from './gate.ts';

function visitor(log: string[], name: string): Waiter {
  return {
    leftMs: () => 1000,
    admit: () => log.push(`${name} in`),
    refuse: ({ message }) => log.push(`${name} ${message}`),
  };
}

test('who comes first is served first, whatever the number of places and visitors', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 20 }), (places, visitors) => {
      const log: string[] = [];
      const gate = new Gate(places, visitors);
      const names = Array.from({ length: visitors }, (_, i) => `${i}`);
      for (const name of names) gate.enter(visitor(log, name));
      expect(log).toHaveLength(Math.min(places, visitors));
      for (let i = 0; i < visitors; i++) gate.leave(undefined);
      expect(log).toEqual(names.map((name) => `${name} in`));
    }),
  );
});

test('behind too many nobody waits, and who gave up is passed over', () => {
  const log: string[] = [];
  const gate = new Gate(1, 2);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => visitor(log, name)) as [Waiter, Waiter, Waiter, Waiter];
  expect([gate.enter(a), gate.enter(b), gate.enter(c), gate.enter(d)]).toEqual([true, true, true, false]);
  gate.cancel(b);
  gate.leave(undefined);
  expect(log).toEqual(['a in', 'c in']);
  expect(gate.waiting).toBe(0);
});

test('all who wait can be turned away; the places stay', () => {
  const log: string[] = [];
  const gate = new Gate(1, 9);
  for (const name of ['a', 'b', 'c']) gate.enter(visitor(log, name));
  gate.refuseAll(new Error('out'));
  gate.leave(undefined);
  gate.enter(visitor(log, 'd'));
  expect(log).toEqual(['a in', 'b out', 'c out', 'd in']);
});

/** What may befall a gate: somebody comes, the one who was admitted first leaves, the one who waits longest gives up. */
const step = fc.constantFrom('enter', 'leave', 'cancel');

test('whatever comes: places and queue are bounded, nobody is passed over, and nobody is forgotten', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.nat(6),
      fc.array(step, { maxLength: 200 }),
      (places, most, steps) => {
        const gate = new Gate(places, most);
        const [inside, waiting, admitted]: [number[], Map<number, Waiter>, number[]] = [[], new Map(), []];
        let next = 0;
        for (const what of steps) {
          if (what === 'enter') {
            const id = next++;
            const expected = inside.length < places ? 'inside' : waiting.size < most ? 'waits' : 'refused';
            const waiter: Waiter = {
              leftMs: () => 1000,
              admit: () => {
                waiting.delete(id);
                inside.push(id);
                admitted.push(id);
              },
              refuse: () => expect.fail('nobody was to be refused'),
            };
            expect(gate.enter(waiter)).toBe(expected !== 'refused');
            if (expected === 'waits') waiting.set(id, waiter);
            expect(inside.includes(id)).toBe(expected === 'inside');
          } else if (what === 'leave' && inside.length > 0) {
            const [longest] = waiting.keys();
            inside.shift();
            gate.leave(undefined);
            if (longest !== undefined) expect(inside.at(-1)).toBe(longest);
          } else if (what === 'cancel') {
            const [first] = waiting;
            if (first !== undefined) {
              waiting.delete(first[0]);
              gate.cancel(first[1]);
            }
          }
          expect(gate.waiting).toBe(waiting.size);
          expect(inside.length).toBeLessThanOrEqual(places);
        }
        expect(admitted).toEqual(admitted.toSorted((a, b) => a - b));
      },
    ),
  );
});
