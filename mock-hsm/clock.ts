// The time that keys, tokens, logs and Date headers go by. It can be moved, so that expiry and rotation need no waiting. TLS and
// timers of the operating system do not follow it.

export class Clock {
  readonly #source: () => number;
  #offsetMs = 0;
  #frozenMs: number | undefined;

  /** @param source milliseconds since 1970 */
  constructor(source: () => number = Date.now) {
    this.#source = source;
  }

  /** Milliseconds since 1970. */
  nowMs(): number {
    return this.#frozenMs ?? this.#source() + this.#offsetMs;
  }

  /** Unix seconds, as the service counts. */
  nowS(): number {
    return Math.floor(this.nowMs() / 1000);
  }

  /** Stops at this moment until `run`. */
  freeze(): void {
    this.#frozenMs = this.nowMs();
  }

  /** Goes on from where it stands. */
  run(): void {
    if (this.#frozenMs === undefined) return;
    this.#offsetMs = this.#frozenMs - this.#source();
    this.#frozenMs = undefined;
  }

  /** Moves by `byMs`, backwards when negative; frozen or not. */
  advance(byMs: number): void {
    if (this.#frozenMs === undefined) this.#offsetMs += byMs;
    else this.#frozenMs += byMs;
  }

  /** Is `byMs` away from the source from now on, and runs. */
  setOffset(byMs: number): void {
    this.#frozenMs = undefined;
    this.#offsetMs = byMs;
  }

  /** How far it is from the source now. */
  get offsetMs(): number {
    return this.nowMs() - this.#source();
  }

  get isFrozen(): boolean {
    return this.#frozenMs !== undefined;
  }
}
