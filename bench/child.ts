// Programs of the bench that talk by IPC: one message out, one back.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export class Child {
  readonly #process: ChildProcess;

  /** @param file beside this one */
  constructor(file: string) {
    // In a group of its own, so that Ctrl-C reaches only the one who stops it in order.
    this.#process = fork(new URL(file, import.meta.url), { detached: true });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Rejects when the child ends instead of answering. */
  async ask<Answer>(message: object): Promise<Answer> {
    const ended = new AbortController();
    const exit = once(this.#process, 'exit', { signal: ended.signal }).then(([code]) => {
      throw new Error(`a program of the bench ended with ${String(code)}`);
    });
    const answer = once(this.#process, 'message', { signal: ended.signal }).then(([value]) => value as Answer);
    this.#process.send(message);
    try {
      return await Promise.race([answer, exit]);
    } finally {
      ended.abort();
      await Promise.allSettled([answer, exit]);
    }
  }

  /** Ends the child and waits until it is gone. */
  async stop(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.disconnect();
    await gone;
  }
}
