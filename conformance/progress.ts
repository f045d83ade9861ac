/** Lines that say how far a run is, and how long it may still take. */

export class Progress {
  readonly #total: number;
  readonly #say: (line: string) => void;
  readonly #started = performance.now();
  #done = 0;
  #lastSaid = 0;

  constructor(total: number, say: (line: string) => void) {
    this.#total = total;
    this.#say = say;
  }

  /** One more is done. Says so at most once in two seconds. */
  step(what: string): void {
    this.#done += 1;
    const seconds = (performance.now() - this.#started) / 1000;
    if (seconds - this.#lastSaid < 2 || this.#done === this.#total) return;
    this.#lastSaid = seconds;
    const left = Math.ceil((seconds / this.#done) * (this.#total - this.#done));
    this.#say(`${this.#done} of ${this.#total}: ${what}; about ${left} s left`);
  }
}
