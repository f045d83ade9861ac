// How fast the pool is: which operations wait in the HSM and how long, which are refused for being too many, and what
// the network adds. It computes times and lets none pass; the waiting itself is in traffic/.
import type { Chance } from '../random.ts';
import { drawLatency, type Latency, readLatency } from './durations.ts';
import { type Rates, roleOperationNames, standardB1Capacity, standardB1Limits } from './figures.ts';
import { Lanes, type Turn } from './lanes.ts';
import { allPartitions, type ProfileSettings } from './settings.ts';
import { TokenBucket } from './token-bucket.ts';

/** Thirty connections that each wait for their answer keep three partitions busy. */
export const lanesEach = 10;

const noRates: Rates = {};
const roleOperations = new Set(roleOperationNames);

export class Profile {
  #settings: ProfileSettings;
  #latency: Latency = { meanMs: 0, spreadMs: 0 };
  #lanes = new Lanes(allPartitions, lanesEach);
  #buckets = new Map<string, TokenBucket>();
  readonly #chance: Chance;

  /** @param chance draws the latencies */
  constructor(settings: ProfileSettings, chance: Chance) {
    this.#chance = chance;
    this.#settings = settings;
    this.set(settings);
  }

  get settings(): ProfileSettings {
    return this.#settings;
  }

  /** Holds for what arrives from now on; what is in the HSM ends as it began. */
  set(settings: ProfileSettings): void {
    this.#settings = settings;
    this.#latency = readLatency(settings.latency) ?? this.#latency;
    this.#lanes = this.#lanes.resized(settings.partitions);
    this.#buckets = new Map();
  }

  /** Operations a second in force: of one partition where requests wait, of the pool where they are refused. */
  rates(): Rates {
    const { profile, capacity } = this.#settings;
    const named = profile === 'none' ? noRates : { ...standardB1Capacity, ...standardB1Limits };
    return {
      ...Object.fromEntries(Object.entries(named).filter(([name]) => !isOverridden(name, capacity))),
      ...capacity,
    };
  }

  /**
   * The request's turn in the HSM, or undefined when it takes no time there.
   * @param keyType for example `RSA-2048` or `P-256`
   */
  enter(operation: string, keyType: string | undefined, nowMs: number): Turn | undefined {
    const rate = this.#rateOf(operation, keyType);
    return rate === undefined ? undefined : this.#lanes.take(nowMs, rate);
  }

  /** Counts an operation that is limited. @returns 0, or milliseconds after which it may be tried again */
  throttle(operation: string, nowMs: number): number {
    const limit = roleOperations.has(operation) ? 'roles' : operation;
    const rate = limit in standardB1Limits ? this.#limitOf(limit) : undefined;
    if (rate === undefined) return 0;
    const bucket = this.#buckets.get(limit) ?? new TokenBucket(rate);
    this.#buckets.set(limit, bucket);
    return bucket.take(nowMs);
  }

  /** What the network adds to the next request, there and back, in milliseconds. */
  nextLatencyMs(): number {
    return drawLatency(this.#latency, this.#chance);
  }

  /** Lanes that work at this moment, and how many there are. */
  lanes(nowMs: number): { busy: number; all: number } {
    return { busy: this.#lanes.busy(nowMs), all: this.#settings.partitions * lanesEach };
  }

  #rateOf(operation: string, keyType: string | undefined): number | undefined {
    if (operation in standardB1Limits) return undefined;
    const { profile, capacity } = this.#settings;
    const own = capacity[`${operation}:${keyType}`] ?? capacity[operation];
    if (own !== undefined || profile === 'none') return own;
    return standardB1Capacity[`${operation}:${keyType}`] ?? standardB1Capacity[operation];
  }

  #limitOf(limit: string): number | undefined {
    const { profile, capacity } = this.#settings;
    return capacity[limit] ?? (profile === 'none' ? undefined : standardB1Limits[limit]);
  }
}

const isOverridden = (name: string, capacity: Rates) => name in capacity || (name.split(':', 1)[0] ?? '') in capacity;
