import { expect, test } from 'vitest';
import { Tally } from './tally.ts';

test('a handshake that never ends is the slowest one', () => {
  const tally = new Tally(0);
  tally.succeeded(tally.began(0), 20);
  tally.began(100);
  expect(tally.slowestMs(30_100)).toBe(30_000);
});

test('offered is what was begun, and time without room for more does not count', () => {
  const tally = new Tally(0);
  for (let begun = 0; begun < 200; begun++) tally.began(begun);
  tally.wasFull(1000);
  expect([tally.offered, tally.offeredPerSecond(2000)]).toEqual([200, 200]);
});

test('a stall lasts from one handshake that was done to the next, or until now', () => {
  const tally = new Tally(0);
  tally.succeeded(tally.began(0), 100);
  tally.failedWith('refused', tally.began(100), 3000);
  tally.succeeded(tally.began(3000), 5100);
  expect(tally.stallMs(5200)).toBe(5000);
  expect(tally.stallMs(15_100)).toBe(10_000);
});

test('the same alert is one reason, whichever thread and source line it came from', () => {
  const tally = new Tally(0);
  for (const thread of ['40BD', '40DC']) {
    const where = `${thread}:error:0A000438:SSL routines:ssl3_read_bytes:tlsv1 alert internal error`;
    tally.failedWith(`${where}:../deps/openssl/record.c:918:SSL alert number 80\n`, tally.began(0), 1);
  }
  expect([...tally.reasons]).toEqual([['tlsv1 alert internal error', 2]]);
});
