/** What of a connection decides how long its agent waits for it. */
export interface Occupation {
  /** From now on `isUnpaused` tells whether it was between two calls and operations. */
  lookForPause(): void;
  /** It was not, not for a moment; one that came later always was. */
  readonly isUnpaused: boolean;
  /** When its last call was answered, or it came. */
  readonly usedAtMs: number;
  /** A call is under way. */
  readonly isBusy: boolean;
  /** A call is under way for which the longer deadline holds. */
  readonly isSlow: boolean;
  /** When the call began that is under way, or the last one. */
  readonly begunAtMs: number;
}

export interface EndingOptions<C extends Occupation> {
  /** The longest that a call takes, and one that is slow by nature. */
  readonly deadlineMs: number;
  readonly slowDeadlineMs: number;
  readonly connections: () => Iterable<C>;
  /** Takes nobody new, and lets go of each connection between two of its operations. Called once. */
  readonly retire: () => void;
  /** Ends these, whatever is lost with them. */
  readonly cut: (connections: readonly C[]) => void;
  /** Ends the agent. Called once. */
  readonly end: () => void;
}

/** After the deadline of the operations that are under way. */
const GRACE_MS = 1000;
/** Of the deadline, for an operation that nobody goes on with, or a slow call that began late, while others wait. */
const IDLE_SHARE = 4;
const LOOK_MS = 50;

/**
 * When an agent that has to go retires, whom it cuts, and when it ends. Where a successor serves already, it retires at
 * once. Where nobody serves before it has ended, everybody waits from its retirement on: so it serves on until what was
 * under way when it was asked has ended, however long that takes, and what is slow and began within one deadline after that.
 * What begins later puts off nothing, for there may always be something; others wait for it no longer than for a short call.
 */
export class Ending<C extends Occupation> {
  readonly #options: EndingOptions<C>;
  readonly #longestMs: number;
  #timer: NodeJS.Timeout | undefined;
  #askedAtMs = 0;
  #endsAtMs = 0;
  /** Serves on for no slow call that begins later. */
  #slowUntilMs = Number.POSITIVE_INFINITY;
  #retiredAtMs = 0;
  /** How long nobody may go on with an operation before it is cut. */
  #idleMs: number;
  #retires = false;

  constructor(options: EndingOptions<C>) {
    const { deadlineMs, slowDeadlineMs } = options;
    this.#options = options;
    this.#longestMs = Math.max(deadlineMs, slowDeadlineMs);
    this.#idleMs = deadlineMs / IDLE_SHARE;
  }

  /** A successor serves. */
  handOver(): void {
    if (this.#retires) return;
    this.#idleMs = this.#options.deadlineMs + GRACE_MS;
    this.#begin(this.#longestMs + GRACE_MS);
    this.#slowUntilMs = Number.POSITIVE_INFINITY;
    this.#retire();
  }

  /** Nobody serves before this agent has ended. */
  stop(): void {
    if (this.#timer !== undefined) return;
    this.#begin(this.#longestMs + this.#options.deadlineMs + GRACE_MS);
    this.#slowUntilMs = this.#askedAtMs + this.#options.deadlineMs;
    for (const connection of this.#options.connections()) connection.lookForPause();
    this.#look();
  }

  /** It has ended. */
  close(): void {
    clearInterval(this.#timer);
  }

  #begin(lastsMs: number): void {
    this.#askedAtMs = performance.now();
    this.#endsAtMs = this.#askedAtMs + lastsMs;
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #retire(): void {
    this.#retires = true;
    this.#retiredAtMs = performance.now();
    this.#options.retire();
  }

  #look(): void {
    const now = performance.now();
    if (now >= this.#endsAtMs) return this.#options.end();
    if (!this.#retires) {
      if (!this.#mayRetire(now)) return;
      this.#retire();
      // Everybody waits from now on.
      this.#endsAtMs = now + this.#options.deadlineMs + GRACE_MS;
    }
    this.#cut((connection) => this.#isTooLong(connection, now));
  }

  /** For others to wait for it, once it retires. */
  #isTooLong(connection: C, now: number): boolean {
    if (!connection.isBusy) return this.#idleOf(connection, now) >= this.#idleMs;
    return this.#isLate(connection) && now - Math.max(connection.begunAtMs, this.#retiredAtMs) >= this.#idleMs;
  }

  #isLate({ isSlow, begunAtMs }: C): boolean {
    return isSlow && begunAtMs >= this.#slowUntilMs;
  }

  /** When its time is over, what it waited for is cut: others shall not wait for that as well. */
  #mayRetire(now: number): boolean {
    const keeps = (connection: C) => this.#keeps(connection, now);
    const isOver = now >= this.#askedAtMs + this.#longestMs;
    if (isOver) this.#cut(keeps);
    return isOver || ![...this.#options.connections()].some(keeps);
  }

  #keeps(connection: C, now: number): boolean {
    const { isUnpaused, isBusy, isSlow } = connection;
    if (isSlow && !this.#isLate(connection)) return true;
    if (!isUnpaused) return false;
    return isBusy || this.#idleOf(connection, now) < this.#idleMs;
  }

  /** Nobody knew before it was asked that there is hurry. */
  #idleOf({ usedAtMs }: C, now: number): number {
    return now - Math.max(usedAtMs, this.#askedAtMs);
  }

  #cut(which: (connection: C) => boolean): void {
    const connections = [...this.#options.connections()].filter(which);
    if (connections.length > 0) this.#options.cut(connections);
  }
}
