// The last requests, for tests and for people. Holds who, what and the outcome; never a body, token or secret.
import type { LogLines } from './log-lines.ts';

export interface RequestEntry {
  /** Counts from 1 without gaps. */
  readonly sequence: number;
  /** ISO 8601. */
  readonly time: string;
  readonly operation: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** 0 when the connection was closed instead of answered. */
  readonly status: number;
  /** Object id. */
  readonly principal?: string;
  readonly clientId?: string;
  readonly role?: string;
  readonly reason?: string;
  readonly key?: string;
  readonly version?: string;
  readonly algorithm?: string;
  readonly durationMs: number;
  /** The part of it spent waiting for the HSM; only with a profile. */
  readonly waitedMs?: number;
  /** Kind of the fault that befell it, for example `delay+status`. */
  readonly fault?: string;
  /** Number of the TLS connection it came on, counted from 1. */
  readonly connection: number;
}

export class RequestLog {
  readonly #entries: RequestEntry[] = [];
  readonly #capacity: number;
  #sequence = 0;

  readonly #lines: LogLines | undefined;

  /** @param lines where the entries go as well */
  constructor(capacity = 10_000, lines?: LogLines) {
    this.#capacity = capacity;
    this.#lines = lines;
  }

  add(entry: Omit<RequestEntry, 'sequence'>): void {
    const numbered = { sequence: this.#sequence + 1, ...entry };
    this.#entries[this.#sequence % this.#capacity] = numbered;
    this.#sequence += 1;
    this.#lines?.write(numbered);
  }

  /** Entries with a sequence greater than `sequence`, oldest first. */
  after(sequence: number): RequestEntry[] {
    const oldest = this.#sequence % this.#capacity;
    const inOrder = [...this.#entries.slice(oldest), ...this.#entries.slice(0, oldest)];
    return (this.#entries.length < this.#capacity ? this.#entries : inOrder).filter((each) => each.sequence > sequence);
  }
}
