import { afterEach, expect, test, vi } from 'vitest';
import { OperationPlaces } from './operation-places.ts';

const first = {};
const second = {};

afterEach(() => void vi.restoreAllMocks());

test('several operations may go on on one connection, which is their place until the last has ended', () => {
  const places = new OperationPlaces();
  const open = new Set([1, 2]);
  expect(places.note(1, first, open)).toBe(true);
  expect(places.note(2, first, open)).toBe(true);
  open.delete(2);
  expect(places.note(2, first, open)).toBe(false);
  expect(places.isPlace(first, open)).toBe(true);
  open.delete(1);
  expect(places.isPlace(first, open)).toBe(false);
});

test('an operation that goes on elsewhere keeps no earlier connection', () => {
  const places = new OperationPlaces();
  const open = new Set([1]);
  places.note(1, first, open);
  places.note(1, second, open);
  expect(places.isPlace(first, open)).toBe(false);
  expect(places.isPlace(second, open)).toBe(true);
});

test('sessions that were closed within an operation are not remembered for ever', () => {
  const places = new OperationPlaces();
  const open = new Set<number>();
  for (let session = 1; session <= 10_000; session++) {
    open.add(session);
    places.note(session, first, open);
    open.delete(session);
  }
  expect(places.size).toBeLessThan(100);
});

/** Steps that loops over maps and sets make in `what`. */
function stepsOf(what: () => void): number {
  const iterators = [new Map().values(), new Set().values()].map((iterator) => Object.getPrototypeOf(iterator));
  const spies = iterators.map((prototype) => vi.spyOn(prototype, 'next'));
  what();
  const steps = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  vi.restoreAllMocks();
  return steps;
}

test('asked for each connection in turn, looks at each operation once at most', () => {
  const places = new OperationPlaces();
  const connections = Array.from({ length: 100 }, () => ({}));
  const open = new Set<number>();
  for (let session = 1; session <= 1000; session++) {
    open.add(session);
    places.note(session, connections[session % 100] ?? first, open);
  }
  const found: boolean[] = [];
  const steps = stepsOf(() => {
    for (let i = 0; i < 100; i++) found.push(places.isPlace(connections[i] ?? first, open));
  });
  expect(found).toEqual(Array(100).fill(true));
  expect(steps).toBeGreaterThan(0);
  expect(steps).toBeLessThanOrEqual(1000 + 100);
});

test('an operation that ended unseen is no place of its connection, and another on it still is', () => {
  const places = new OperationPlaces();
  const open = new Set([1, 2]);
  places.note(1, first, open);
  places.note(2, first, open);
  open.delete(1);
  expect(places.isPlace(first, open)).toBe(true);
  open.delete(2);
  expect(places.isPlace(first, open)).toBe(false);
  expect(places.size).toBe(0);
  open.add(2);
  places.note(2, second, open);
  expect(places.isPlace(first, open)).toBe(false);
  expect(places.isPlace(second, open)).toBe(true);
});
