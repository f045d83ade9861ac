import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RepeatedLines } from './repeated-lines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function written() {
  const lines: string[] = [];
  const repeated = new RepeatedLines((line, caller, times) => lines.push(`${line} by ${caller?.pid} × ${times}`));
  return { lines, repeated };
}

test('a cause has one line a second, which says how many it stands for, and none is left out', () => {
  const { lines, repeated } = written();
  for (let tenth = 0; tenth < 25; tenth++) {
    repeated.say('the queue is full', 'C_Sign: the queue is full', { pid: 7 });
    vi.advanceTimersByTime(100);
  }
  expect(lines).toEqual([
    'C_Sign: the queue is full by 7 × 1',
    'C_Sign: the queue is full by undefined × 9',
    'C_Sign: the queue is full by undefined × 10',
  ]);
  vi.advanceTimersByTime(60_000);
  expect(lines.slice(3)).toEqual(['C_Sign: the queue is full by undefined × 5']);
});

test('what comes again later is said at once, and nobody keeps time for what does not', () => {
  const { lines, repeated } = written();
  repeated.say('away', 'C_Sign: away', { pid: 7 });
  vi.advanceTimersByTime(1000);
  expect(vi.getTimerCount()).toBe(0);
  repeated.say('away', 'C_Sign: away', { pid: 8 });
  expect(lines).toEqual(['C_Sign: away by 7 × 1', 'C_Sign: away by 8 × 1']);
});

test('each cause has its own line, 256 of them a second at most', () => {
  const { lines, repeated } = written();
  for (let nth = 0; nth < 300; nth++) repeated.say(`cause ${nth}`, `line ${nth}`, undefined);
  expect(lines).toHaveLength(256);
  vi.advanceTimersByTime(1000);
  expect(lines).toHaveLength(256);
  repeated.say('cause 299', 'line 299', undefined);
  expect(lines).toHaveLength(257);
});

test('who has very many causes takes no line of another', () => {
  const { lines, repeated } = written();
  for (let nth = 0; nth < 300; nth++) repeated.say(`cause ${nth}`, `line ${nth}`, undefined, 'user 1000');
  repeated.say('away', 'C_Sign: away', { pid: 7 }, 'user 33');
  repeated.say('away', 'C_Sign: away', { pid: 8 }, 'user 1000');
  expect(lines.slice(256)).toEqual(['C_Sign: away by 7 × 1']);
  vi.advanceTimersByTime(1000);
  expect(lines.slice(257)).toEqual(['C_Sign: away by undefined × 1']);
});

test('at the end nothing is owed: the count of the last second is written', () => {
  const { lines, repeated } = written();
  for (let time = 0; time < 3; time++) repeated.say('away', 'C_Sign: away', { pid: 7 });
  repeated.say('once', 'C_Sign: once', { pid: 7 });
  repeated.flush();
  expect(lines).toEqual(['C_Sign: away by 7 × 1', 'C_Sign: once by 7 × 1', 'C_Sign: away by undefined × 2']);
  expect(vi.getTimerCount()).toBe(0);
});
