/** Lines that the operator should see, kept for `mhsm-p11 status`: a log may be off, or on another machine. */

export interface RecentLine {
  /** ISO 8601, of the last time. */
  readonly at: string;
  readonly level: 'error' | 'warning';
  readonly line: string;
  /** How often it happened. */
  readonly times: number;
}

const MAX_LINES = 20;

/** The last different lines. */
export class RecentLines {
  readonly #lines = new Map<string, RecentLine>();
  readonly #now: () => Date;

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  add(level: RecentLine['level'], line: string, more: number): void {
    const times = (this.#lines.get(line)?.times ?? 0) + more;
    this.#lines.delete(line);
    this.#lines.set(line, { at: this.#now().toISOString(), level, line, times });
    const oldest = this.#lines.keys().next().value;
    if (this.#lines.size > MAX_LINES && oldest !== undefined) this.#lines.delete(oldest);
  }

  /** The newest first. */
  get all(): readonly RecentLine[] {
    return [...this.#lines.values()].reverse();
  }
}
