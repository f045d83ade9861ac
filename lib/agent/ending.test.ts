import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Ending, type Occupation } from './ending.ts';

const DEADLINE_MS = 10_000;
const SLOW_MS = 60_000;
const GRACE_MS = 1000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Of a client: what it does, by hand. */
class Line implements Occupation {
  isUnpaused = false;
  usedAtMs = performance.now();
  isBusy = false;
  isSlow = false;
  begunAtMs = 0;
  #isOccupied = false;

  lookForPause(): void {
    this.isUnpaused = this.#isOccupied;
  }

  /** A call begins; `slow`: one for which the longer deadline holds. */
  begins({ slow = false } = {}): this {
    this.isBusy = true;
    this.isSlow = slow;
    this.begunAtMs = performance.now();
    this.#isOccupied = true;
    return this;
  }

  /** It is answered, and an operation goes on. */
  goesOn(): this {
    this.begins();
    this.isBusy = false;
    this.usedAtMs = performance.now();
    return this;
  }

  isAnswered(): void {
    this.isBusy = false;
    this.isSlow = false;
    this.#isOccupied = false;
    this.isUnpaused = false;
    this.usedAtMs = performance.now();
  }
}

function agentWith(...lines: Line[]) {
  const open = new Set(lines);
  const happened: string[] = [];
  const cut: Line[] = [];
  const ending = new Ending<Line>({
    deadlineMs: DEADLINE_MS,
    slowDeadlineMs: SLOW_MS,
    connections: () => open,
    retire: () => happened.push('retires'),
    cut: (connections) => {
      cut.push(...connections);
      for (const line of connections) open.delete(line);
    },
    end: () => {
      happened.push('ends');
      ending.close();
    },
  });
  return { ending, happened, cut, open };
}

/** Lets time pass, in which an operation is gone on with each second. */
function passWithParts(line: Line, ms: number): void {
  for (let passed = 0; passed < ms; passed += 1000) {
    line.goesOn();
    vi.advanceTimersByTime(1000);
  }
}

describe('an agent that is told to stop', () => {
  test('retires at once when nothing is under way', () => {
    const { ending, happened } = agentWith(new Line());
    ending.stop();
    expect(happened).toEqual(['retires']);
  });

  test.each([
    ['a listing', { slow: true }],
    ['a signature', { slow: false }],
  ])('serves on until %s that is under way is answered', (_what, kind) => {
    const line = new Line().begins(kind);
    const { ending, happened, cut } = agentWith(line);
    ending.stop();
    vi.advanceTimersByTime(DEADLINE_MS - 100);
    expect(happened).toEqual([]);
    line.isAnswered();
    vi.advanceTimersByTime(100);
    expect(happened).toEqual(['retires']);
    expect(cut).toEqual([]);
  });

  test('does not wait for what began later, as there is always something, unless it is slow and began soon', () => {
    const [before, short, slow] = [new Line().begins(), new Line(), new Line()];
    const { ending, happened } = agentWith(before, short, slow);
    ending.stop();
    vi.advanceTimersByTime(1000);
    short.begins();
    slow.begins({ slow: true });
    before.isAnswered();
    vi.advanceTimersByTime(1000);
    expect(happened).toEqual([]);
    slow.isAnswered();
    vi.advanceTimersByTime(100);
    expect(happened).toEqual(['retires']);
  });

  test('is not kept by somebody who begins one slow call after the other', () => {
    const looping = new Line().begins({ slow: true });
    const { ending, happened, cut } = agentWith(looping);
    ending.stop();
    for (let passed = 0; passed <= DEADLINE_MS; passed += 1000) {
      expect(happened).toEqual([]);
      vi.advanceTimersByTime(1000);
      looping.isAnswered();
      looping.begins({ slow: true });
    }
    vi.advanceTimersByTime(100);
    expect([happened, cut]).toEqual([['retires'], []]);
  });

  test('cuts a slow call that began late when others have waited for it for a quarter of the deadline', () => {
    const [before, late, later] = [new Line().begins({ slow: true }), new Line(), new Line()];
    const { ending, happened, cut } = agentWith(before, late, later);
    ending.stop();
    vi.advanceTimersByTime(DEADLINE_MS);
    late.begins({ slow: true });
    vi.advanceTimersByTime(DEADLINE_MS);
    later.goesOn();
    before.isAnswered();
    vi.advanceTimersByTime(100);
    expect([happened, cut]).toEqual([['retires'], []]);
    vi.advanceTimersByTime(1000);
    later.begins({ slow: true });
    vi.advanceTimersByTime(DEADLINE_MS / 4 - 1000);
    expect(cut).toContain(late);
    expect(cut).not.toContain(later);
    vi.advanceTimersByTime(1000);
    expect(cut).toContain(later);
  });

  test('lets others wait for an operation in parts that began later no longer than for a call', () => {
    const [before, parts] = [new Line().begins({ slow: true }), new Line()];
    const { ending, happened } = agentWith(before, parts);
    ending.stop();
    passWithParts(parts, 1000);
    before.isAnswered();
    passWithParts(parts, DEADLINE_MS);
    expect(happened).toEqual(['retires']);
    passWithParts(parts, GRACE_MS + 1000);
    expect(happened).toEqual(['retires', 'ends']);
  });

  test('serves on while an operation in parts goes on that was begun before', () => {
    const line = new Line().goesOn();
    const { ending, happened, cut } = agentWith(line);
    ending.stop();
    passWithParts(line, 30_000);
    expect([happened, cut]).toEqual([[], []]);
    line.isAnswered();
    vi.advanceTimersByTime(100);
    expect(happened).toEqual(['retires']);
  });

  test('cuts an operation that nobody goes on with for a quarter of the deadline, and retires', () => {
    const line = new Line().goesOn();
    const { ending, happened, cut } = agentWith(line);
    vi.advanceTimersByTime(3_600_000);
    ending.stop();
    vi.advanceTimersByTime(DEADLINE_MS / 4 - 100);
    expect([happened, cut]).toEqual([[], []]);
    vi.advanceTimersByTime(100);
    expect([happened, cut]).toEqual([['retires'], [line]]);
  });

  test('waits no longer than the longest call may take: what goes on then is cut', () => {
    const [steady, listing, signature] = [new Line().goesOn(), new Line(), new Line()];
    const { ending, happened, cut } = agentWith(steady, listing, signature);
    ending.stop();
    passWithParts(steady, DEADLINE_MS - 1000);
    listing.begins({ slow: true });
    passWithParts(steady, SLOW_MS - DEADLINE_MS);
    expect([happened, cut]).toEqual([[], []]);
    signature.begins();
    passWithParts(steady, 1000);
    expect(happened).toEqual(['retires']);
    expect(cut).toEqual([steady, listing]);
    vi.advanceTimersByTime(DEADLINE_MS);
    expect(happened).toEqual(['retires']);
    vi.advanceTimersByTime(GRACE_MS);
    expect(happened).toEqual(['retires', 'ends']);
  });
});

describe('an agent whose successor serves', () => {
  test('retires at once, whatever is under way', () => {
    const { ending, happened, cut } = agentWith(new Line().begins({ slow: true }), new Line().goesOn());
    ending.handOver();
    expect([happened, cut]).toEqual([['retires'], []]);
  });

  test('cuts no operation that somebody goes on with, until the longest call would be over', () => {
    const line = new Line().goesOn();
    const { ending, happened, cut } = agentWith(line);
    ending.handOver();
    passWithParts(line, SLOW_MS);
    expect([happened, cut]).toEqual([['retires'], []]);
    vi.advanceTimersByTime(GRACE_MS);
    expect(happened).toEqual(['retires', 'ends']);
  });

  test('cuts one that nobody goes on with for longer than a call may take', () => {
    const [line, listing] = [new Line().goesOn(), new Line().begins({ slow: true })];
    const { ending, cut } = agentWith(line, listing);
    ending.handOver();
    passWithParts(line, 5000);
    vi.advanceTimersByTime(DEADLINE_MS - 100);
    expect(cut).toEqual([]);
    vi.advanceTimersByTime(GRACE_MS + 100);
    expect(cut).toEqual([line]);
  });

  test('and came while it was stopping, does not wait any more', () => {
    const { ending, happened } = agentWith(new Line().begins({ slow: true }));
    ending.stop();
    vi.advanceTimersByTime(1000);
    expect(happened).toEqual([]);
    ending.handOver();
    expect(happened).toEqual(['retires']);
  });
});
