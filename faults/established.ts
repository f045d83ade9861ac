import { readFileSync } from 'node:fs';
import { Client } from 'undici';

const PERIOD_MS = 250;

/**
 * TLS sessions that were there before, each with a request now and then: what the clients of a server have that a fault
 * of its keys must leave alone.
 */
export class Established {
  /** Sessions that ended under their client. */
  ended = 0;
  answers = 0;
  slowestMs = 0;
  readonly #clients: readonly Client[];
  #ticker: NodeJS.Timeout | undefined;
  #watching = false;

  private constructor(clients: readonly Client[]) {
    this.#clients = clients;
    for (const client of clients) {
      client.on('disconnect', () => {
        if (this.#watching) this.ended++;
      });
    }
  }

  static async open(port: number, certificateFile: string, servername: string, count: number): Promise<Established> {
    const ca = readFileSync(certificateFile);
    const clients = Array.from(
      { length: count },
      () => new Client(`https://127.0.0.1:${port}`, { connect: { ca, servername }, headersTimeout: 0 }),
    );
    const established = new Established(clients);
    await Promise.all(clients.map((client) => established.#ask(client)));
    established.slowestMs = 0;
    established.answers = 0;
    established.#watching = true;
    established.#ticker = setInterval(() => established.#askAll(), PERIOD_MS);
    return established;
  }

  #askAll(): void {
    for (const client of this.#clients) {
      // One that waits for an answer is not asked again; one that ended was counted.
      if (client.stats.connected && client.stats.size === 0) this.#ask(client).catch(() => undefined);
    }
  }

  async #ask(client: Client): Promise<void> {
    const beganMs = performance.now();
    const { body } = await client.request({ method: 'GET', path: '/' });
    await body.dump();
    this.answers++;
    this.slowestMs = Math.max(this.slowestMs, performance.now() - beganMs);
  }

  async close(): Promise<void> {
    this.#watching = false;
    clearInterval(this.#ticker);
    await Promise.all(this.#clients.map((client) => client.destroy()));
  }
}
