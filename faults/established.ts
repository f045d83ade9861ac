import { readFileSync } from 'node:fs';
import { Client } from 'undici';

const PERIOD_MS = 250;

/** A TLS session that was there before, with a request now and then. */
class Session {
  readonly #client: Client;
  #askedMs: number | undefined;
  #slowestMs = 0;
  #answered = false;

  constructor(client: Client) {
    this.#client = client;
  }

  get isOpen(): boolean {
    return this.#client.stats.connected;
  }

  /** One that waits for an answer is not asked again; one that ended was counted. */
  askAgain(): void {
    if (this.isOpen && this.#askedMs === undefined) this.ask().catch(() => undefined);
  }

  async ask(): Promise<void> {
    this.#askedMs = performance.now();
    const { body } = await this.#client.request({ method: 'GET', path: '/' });
    await body.dump();
    this.#slowestMs = this.slowestMs(performance.now());
    this.#askedMs = undefined;
    this.#answered = true;
  }

  forget(): void {
    this.#answered = false;
  }

  /** Open, and without an answer since `forget`: the server holds it and does nothing for it. */
  get isSilent(): boolean {
    return this.isOpen && !this.#answered;
  }

  /** The longest that an answer took, or that one has been waited for until now. */
  slowestMs(nowMs: number): number {
    return Math.max(this.#slowestMs, nowMs - (this.#askedMs ?? nowMs));
  }

  close(): Promise<void> {
    return this.#client.destroy();
  }
}

/** What the clients of a server have that a fault of its keys must leave alone. */
export class Established {
  /** Sessions that ended under their client. */
  ended = 0;
  readonly #sessions: Session[] = [];
  #ticker: NodeJS.Timeout | undefined;
  #watching = false;

  static async open(port: number, certificateFile: string, servername: string, count: number): Promise<Established> {
    const established = new Established();
    const ca = readFileSync(certificateFile);
    for (let opened = 0; opened < count; opened++) {
      const client = new Client(`https://127.0.0.1:${port}`, {
        connect: { ca, servername, timeout: 60_000 },
        headersTimeout: 0,
      });
      client.on('disconnect', () => {
        if (established.#watching) established.ended++;
      });
      // The first answer includes the handshake.
      await (await client.request({ method: 'GET', path: '/' })).body.dump();
      established.#sessions.push(new Session(client));
    }
    established.#watching = true;
    established.#ticker = setInterval(() => {
      for (const session of established.#sessions) session.askAgain();
    }, PERIOD_MS);
    return established;
  }

  /** The fault is over: from now on each must answer again. */
  expectAnswers(): void {
    for (const session of this.#sessions) session.forget();
  }

  /** What was seen until now. */
  seen(nowMs: number): { ended: number; silent: number; slowestMs: number } {
    return {
      ended: this.ended,
      silent: this.#sessions.filter(({ isSilent }) => isSilent).length,
      slowestMs: Math.max(0, ...this.#sessions.map((session) => session.slowestMs(nowMs))),
    };
  }

  async close(): Promise<void> {
    this.#watching = false;
    clearInterval(this.#ticker);
    await Promise.all(this.#sessions.map((session) => session.close()));
  }
}
