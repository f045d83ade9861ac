import type { Caller } from '../log/log.ts';

const SECOND_MS = 1000;
/** Different ones a second. */
const MAX_CAUSES = 256;

interface Repeated {
  readonly line: string;
  /** That were not written yet. */
  more: number;
}

/**
 * Writes a line for each cause at most once a second: the first one at once with its caller, those of the second after it
 * as one line that says how many it stands for.
 */
export class RepeatedLines {
  readonly #write: (line: string, caller: Caller | undefined, times: number) => void;
  readonly #causes = new Map<string, Repeated>();

  constructor(write: (line: string, caller: Caller | undefined, times: number) => void) {
    this.#write = write;
  }

  say(cause: string, line: string, caller: Caller | undefined): void {
    const known = this.#causes.get(cause);
    if (known !== undefined) known.more++;
    if (known !== undefined || this.#causes.size >= MAX_CAUSES) return;
    this.#write(line, caller, 1);
    const repeated = { line, more: 0 };
    this.#causes.set(cause, repeated);
    this.#afterASecond(cause, repeated);
  }

  #afterASecond(cause: string, repeated: Repeated): void {
    setTimeout(() => {
      if (repeated.more === 0) return void this.#causes.delete(cause);
      this.#write(repeated.line, undefined, repeated.more);
      repeated.more = 0;
      this.#afterASecond(cause, repeated);
    }, SECOND_MS).unref();
  }
}
