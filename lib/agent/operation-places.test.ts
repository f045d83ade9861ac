import { expect, test } from 'vitest';
import { OperationPlaces } from './operation-places.ts';

const first = {};
const second = {};

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
