/** How long nobody tries after a connection could not be made. */
const PAUSE_MS = 1000;
/** After so long another one may try, whatever became of the one before: longer than any connection takes. */
const TRY_MS = 10_000;

/**
 * Remembers that connecting hangs (a firewall that drops, a host that is off), so that callers learn it at once instead
 * of each waiting for it: a web server's worker stands still while it waits. One request at a time tries again.
 */
export class Outage {
  readonly #nowMs: () => number;
  #error: Error | undefined;
  #triesAtMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** What to fail with at once; undefined: go and try, and tell the outcome by `began` or `ended`. */
  refusal(): Error | undefined {
    const now = this.#nowMs();
    if (this.#error === undefined || now < this.#triesAtMs) return this.#error;
    this.#triesAtMs = now + TRY_MS;
    return undefined;
  }

  began(error: Error): void {
    this.#error = error;
    this.#triesAtMs = this.#nowMs() + PAUSE_MS;
  }

  ended(): void {
    this.#error = undefined;
  }
}
