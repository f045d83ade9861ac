/** Counting on the way of every signature: a look into a map and an addition. prom-client alone takes microseconds. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where a family has samples of several names: those of a histogram. */
  readonly metricName?: string;
}

/** Numbers that only grow, by an id that stands for their labels. */
export class Tally {
  readonly #counts = new Map<string, { value: number; readonly labels: Sample['labels'] }>();

  /** `labels` is asked for at the first time only. */
  count(id: string, labels: () => Sample['labels']): void {
    const counted = this.#counts.get(id);
    if (counted === undefined) this.#counts.set(id, { value: 1, labels: labels() });
    else counted.value++;
  }

  get samples(): readonly Sample[] {
    return [...this.#counts.values()];
  }
}

/** How often a value was at most each bound. */
export class Distribution {
  readonly #bounds: readonly number[];
  /** One more than bounds: the last is beyond all. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let place = 0;
    while (place < this.#bounds.length && value > (this.#bounds[place] ?? 0)) place++;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#sum += value;
  }

  /** As Prometheus wants a histogram called `name`: each bucket has those below it too. */
  samples(name: string, labels: Sample['labels']): readonly Sample[] {
    let total = 0;
    const buckets = this.#counts.map((count, place) => {
      total += count;
      const le = String(this.#bounds[place] ?? '+Inf');
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: total },
    ];
  }
}
