/** How long after a failure, and after a question that brought no answer, the service is asked again. */
const PAUSE_MS = 1000;

/**
 * Remembers that the service does not answer (a firewall that drops, a host that is off or stuck), so that callers learn
 * it at once instead of each waiting for it: a web server's worker stands still while it waits. Whether it is over finds
 * out a question in the background, which nobody waits for.
 */
export class Outage {
  readonly #probe: () => Promise<unknown>;
  #error: Error | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `probe` settles when the question is answered or given up; an answer is told by `ended`. */
  constructor(probe: () => Promise<unknown>) {
    this.#probe = probe;
  }

  /** What to fail with at once; undefined while nothing is known. */
  get refusal(): Error | undefined {
    return this.#error;
  }

  began(error: Error): void {
    this.#error = error;
    if (this.#timer === undefined) this.#askLater();
  }

  ended(): void {
    if (this.#error === undefined) return;
    this.#error = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #askLater(): void {
    const timer = setTimeout(async () => {
      await this.#probe().catch(() => undefined);
      if (this.#timer === timer) this.#askLater();
    }, PAUSE_MS);
    // It keeps no process alive.
    this.#timer = timer.unref();
  }
}
