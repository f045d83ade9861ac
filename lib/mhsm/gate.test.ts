import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Gate, type Waiter } from './gate.ts';

function visitor(log: string[], name: string): Waiter {
  return { admit: () => log.push(`${name} in`), refuse: ({ message }) => log.push(`${name} ${message}`) };
}

test('who comes first is served first, whatever the number of places and visitors', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 20 }), (places, visitors) => {
      const log: string[] = [];
      const gate = new Gate(places, visitors);
      const names = Array.from({ length: visitors }, (_, i) => `${i}`);
      for (const name of names) gate.enter(visitor(log, name));
      expect(log).toHaveLength(Math.min(places, visitors));
      for (let i = 0; i < visitors; i++) gate.leave();
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
  gate.leave();
  expect(log).toEqual(['a in', 'c in']);
  expect(gate.waiting).toBe(0);
});

test('all who wait can be turned away; the places stay', () => {
  const log: string[] = [];
  const gate = new Gate(1, 9);
  for (const name of ['a', 'b', 'c']) gate.enter(visitor(log, name));
  gate.refuseAll(new Error('out'));
  gate.leave();
  gate.enter(visitor(log, 'd'));
  expect(log).toEqual(['a in', 'b out', 'c out', 'd in']);
});
