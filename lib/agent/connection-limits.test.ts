import { describe, expect, test } from 'vitest';
import { ConnectionLimits, descriptorLimit, mostConnections } from './connection-limits.ts';

const peer = (uid: number) => ({ pid: 1, uid, gid: uid });
const never = () => expect.fail('it was closed');

describe('of the connections there may be', () => {
  test('one user has half at most, another the rest', () => {
    const limits = new ConnectionLimits(10);
    const ofOne = Array.from({ length: 5 }, () => peer(33));
    expect(ofOne.map((it) => limits.enter(it, never))).toEqual([true, true, true, true, true]);
    expect(limits.enter(peer(33), never)).toBe(false);
    expect(limits.enter(peer(34), never)).toBe(true);
    for (const it of ofOne.slice(0, 1)) limits.leave(it);
    expect(limits.enter(peer(33), never)).toBe(true);
    expect(limits.enter(peer(33), never)).toBe(false);
  });

  test('as many are left as the HSMs need', () => {
    expect(mostConnections(1024, 40)).toBe(920);
    expect(mostConnections(10, 40)).toBe(16);
  });
});

describe('of connections without hello', () => {
  const silent = (limits: ConnectionLimits, uid: number, count: number, closed: number[]) =>
    Array.from({ length: count }, (_, i) => {
      const it = peer(uid);
      limits.enter(it, () => closed.push(i));
      return it;
    });

  test('the oldest makes room where one user has 256 of them', () => {
    const limits = new ConnectionLimits(10_000);
    const closed: number[] = [];
    silent(limits, 33, 258, closed);
    expect(closed).toEqual([0, 1]);
  });

  test('those of others, and those that said hello or left, are not counted', () => {
    const limits = new ConnectionLimits(10_000);
    const closed: number[] = [];
    const [first = peer(0), second = peer(0)] = silent(limits, 33, 256, closed);
    silent(limits, 34, 256, closed);
    limits.greeted(first);
    limits.leave(second);
    silent(limits, 33, 2, closed);
    expect(closed).toEqual([]);
    silent(limits, 33, 1, closed);
    expect(closed).toEqual([2]);
  });
});

test('the limit of descriptors is the one that counts now', () => {
  expect(descriptorLimit('Max open files            1024                 524288               files\n')).toBe(1024);
  expect(descriptorLimit('Max open files            unlimited            unlimited            files\n')).toBe(
    Number.POSITIVE_INFINITY,
  );
  expect(descriptorLimit()).toBeGreaterThan(2);
});
