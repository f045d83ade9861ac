import type { Caller } from '../log/log.ts';

const SECOND_MS = 1000;
/** Different ones a second of one owner. */
const MAX_CAUSES = 256;

interface Repeated {
  readonly line: string;
  readonly owner: string;
  readonly timer: NodeJS.Timeout;
  /** That were not written yet. */
  more: number;
}

/**
 * Writes a line for each cause at most once a second: the first one at once with its caller, those of the second after it
 * as one line that says how many it stands for. Who fills his part with causes takes none of another owner's.
 */
export class RepeatedLines {
  readonly #write: (line: string, caller: Caller | undefined, times: number) => void;
  readonly #causes = new Map<string, Repeated>();
  /** How many of the causes each has. */
  readonly #owners = new Map<string, number>();

  constructor(write: (line: string, caller: Caller | undefined, times: number) => void) {
    this.#write = write;
  }

  /** `owner`: whose part of the table a cause takes that is new. */
  say(cause: string, line: string, caller: Caller | undefined, owner = ''): void {
    const known = this.#causes.get(cause);
    if (known !== undefined) known.more++;
    const owned = this.#owners.get(owner) ?? 0;
    if (known !== undefined || owned >= MAX_CAUSES) return;
    this.#write(line, caller, 1);
    this.#owners.set(owner, owned + 1);
    const timer = setInterval(() => this.#afterASecond(cause), SECOND_MS).unref();
    this.#causes.set(cause, { line, owner, timer, more: 0 });
  }

  /** Writes what the second that has begun would bring: nobody waits for its end. */
  flush(): void {
    for (const cause of [...this.#causes.keys()]) {
      this.#afterASecond(cause);
      this.#forget(cause);
    }
  }

  #afterASecond(cause: string): void {
    const repeated = this.#causes.get(cause);
    if (repeated === undefined) return;
    if (repeated.more === 0) return this.#forget(cause);
    this.#write(repeated.line, undefined, repeated.more);
    repeated.more = 0;
  }

  #forget(cause: string): void {
    const repeated = this.#causes.get(cause);
    if (repeated === undefined) return;
    clearInterval(repeated.timer);
    this.#causes.delete(cause);
    const left = (this.#owners.get(repeated.owner) ?? 1) - 1;
    if (left === 0) this.#owners.delete(repeated.owner);
    else this.#owners.set(repeated.owner, left);
  }
}
