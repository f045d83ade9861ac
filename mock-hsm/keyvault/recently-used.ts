// The entries that were used last, up to a number; the one that was not used for longest makes room for a new one.

export class RecentlyUsed<Value> {
  /** Least recently used first. */
  readonly #entries = new Map<string, Value>();
  readonly #most: number;
  readonly #dropped: (id: string) => void;

  /** @param dropped is told of each entry that goes, whether it made room or was deleted */
  constructor(most: number, dropped: (id: string) => void) {
    this.#most = most;
    this.#dropped = dropped;
  }

  /** Counts as use. */
  get(id: string): Value | undefined {
    const value = this.#entries.get(id);
    if (value === undefined) return undefined;
    this.#entries.delete(id);
    this.#entries.set(id, value);
    return value;
  }

  set(id: string, value: Value): void {
    this.#entries.delete(id);
    this.#entries.set(id, value);
    if (this.#entries.size <= this.#most) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.delete(oldest);
  }

  delete(id: string): void {
    if (this.#entries.delete(id)) this.#dropped(id);
  }
}
