import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Gate, type Waiter } from './gate.ts';
import { isServedInTime, learnServiceTime } from './queue-bound.ts';

interface Service {
  readonly places: number;
  readonly deadlineMs: number;
  /** Requests that come, of what can be served. */
  readonly load: number;
  /** What each request takes, in the order of being served, again and again. */
  readonly tookMs: readonly number[];
}

const ARRIVALS = 1000;
/** Until the gate has learnt how long a request takes, nothing is promised but the number. */
const LEARNING = 200;

/** Everybody who comes to a gate in front of a service, in a time of its own. */
class Simulation {
  readonly #gate: Gate;
  readonly #service: Service;
  readonly #events: { atMs: number; run: () => void }[] = [];
  #nowMs = 0;
  #served = 0;
  /** In the order of coming. */
  readonly outcomes: ('in time' | 'too late' | 'expired' | 'passed over' | 'refused')[] = [];
  readonly admitted: number[] = [];
  longestQueue = 0;
  busyMs = 0;
  /** When the last one was served. */
  endMs = 0;

  constructor(service: Service, maxWaiting: number) {
    this.#service = service;
    this.#gate = new Gate(service.places, maxWaiting);
    const { tookMs, places, load } = service;
    const meanMs = tookMs.reduce((sum, ms) => sum + ms, 0) / tookMs.length;
    for (let nth = 0; nth < ARRIVALS; nth++) this.#at((nth * meanMs) / places / load, () => this.#arrive(nth));
    this.#run();
  }

  #at(atMs: number, run: () => void): void {
    const place = this.#events.findLastIndex((event) => event.atMs <= atMs);
    this.#events.splice(place + 1, 0, { atMs, run });
  }

  #run(): void {
    for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
      this.#nowMs = event.atMs;
      event.run();
      this.longestQueue = Math.max(this.longestQueue, this.#gate.waiting);
    }
  }

  #arrive(nth: number): void {
    const endMs = this.#nowMs + this.#service.deadlineMs;
    const settle = (outcome: Simulation['outcomes'][number]) => {
      this.outcomes[nth] ??= outcome;
    };
    const waiter: Waiter = {
      leftMs: () => endMs - this.#nowMs,
      admit: () => {
        this.admitted.push(nth);
        const { tookMs } = this.#service;
        const took = tookMs[this.#served++ % tookMs.length] ?? 0;
        this.#at(this.#nowMs + took, () => {
          this.busyMs += took;
          this.endMs = this.#nowMs;
          settle(this.#nowMs <= endMs ? 'in time' : 'too late');
          this.#gate.leave(took);
        });
      },
      refuse: () => settle('passed over'),
    };
    if (!this.#gate.enter(waiter)) return settle('refused');
    this.#at(endMs, () => {
      if (this.admitted.includes(nth)) return;
      settle('expired');
      this.#gate.cancel(waiter);
    });
  }
}

/** Requests that take between half and one and a half of some time, and a deadline that is no less than ten of them. */
const services = fc
  .record({
    places: fc.integer({ min: 1, max: 8 }),
    meanMs: fc.integer({ min: 5, max: 1000 }),
    factors: fc.array(fc.double({ min: 0.5, max: 1.5, noNaN: true }), { minLength: 1, maxLength: 20 }),
    load: fc.double({ min: 1.2, max: 10, noNaN: true }),
  })
  .map(
    ({ places, meanMs, factors, load }): Service => ({
      places,
      deadlineMs: 10_000,
      load,
      tookMs: factors.map((factor) => factor * meanMs),
    }),
  );

test('whatever the overload: who was let in is served in time and in the order of coming, the others know at once', () => {
  fc.assert(
    fc.property(services, (service) => {
      const { outcomes, admitted } = new Simulation(service, 100 * service.places);
      expect(outcomes.slice(LEARNING).filter((outcome) => outcome !== 'in time' && outcome !== 'refused')).toEqual([]);
      expect(admitted).toEqual(admitted.toSorted((a, b) => a - b));
    }),
    { numRuns: 50 },
  );
});

test('whatever the overload: the service is never idle', () => {
  fc.assert(
    fc.property(services, (service) => {
      const { busyMs, endMs } = new Simulation(service, 100 * service.places);
      expect(busyMs / service.places / endMs).toBeGreaterThan(0.9);
    }),
    { numRuns: 50 },
  );
});

test('a queue that was let in before the service grew slow costs at most a signature a place that comes too late', () => {
  const places = 2;
  const slow = Array.from({ length: 1000 }, (_, nth) => (nth < 100 ? 10 : 2000));
  const { outcomes } = new Simulation({ places, deadlineMs: 10_000, load: 100, tookMs: slow }, 100 * places);
  expect(outcomes).toContain('passed over');
  expect(outcomes.filter((outcome) => outcome === 'too late').length).toBeLessThanOrEqual(places);
});

test('one who waits needs the double of the expected wait and the time of his own request', () => {
  const turn = { ahead: 10, places: 2, serviceMs: 100 };
  expect(isServedInTime({ ...turn, leftMs: 1100 })).toBe(true);
  expect(isServedInTime({ ...turn, leftMs: 1099 })).toBe(false);
});

test('nobody is turned away for his time while it is not known how long a request takes', () => {
  expect(isServedInTime({ ahead: 1e6, places: 1, serviceMs: 0, leftMs: 0 })).toBe(true);
});

test('what is known follows what requests take, and one that takes long does not decide', () => {
  const learn = (known: number, times: number, tookMs: number) =>
    Array.from({ length: times }).reduce<number>((so) => learnServiceTime(so, tookMs), known);
  expect(learn(0, 50, 200)).toBeCloseTo(200, 0);
  expect(learnServiceTime(20, 2000)).toBeLessThan(300);
});
