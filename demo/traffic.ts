import { readFileSync } from 'node:fs';
import { connect, createSecureContext, type SecureContext } from 'node:tls';

export interface TrafficOptions {
  port: number;
  /** Certificates that are trusted; a handshake with another one fails. */
  certificateFiles: readonly string[];
  servername: string;
  /** Handshakes at a time. */
  concurrency: number;
}

/** New TLS connections, one after another on each of several lanes, until stopped. Counts every failure. */
export class Traffic {
  readonly failures: string[] = [];
  successes = 0;
  readonly #options: TrafficOptions;
  readonly #context: SecureContext;
  #stopped = false;
  #lanes: Promise<void>[] = [];

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#context = createSecureContext({ ca: options.certificateFiles.map((file) => readFileSync(file)) });
  }

  start(): this {
    this.#lanes = Array.from({ length: this.#options.concurrency }, () => this.#lane());
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
  }

  async #lane(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.handshake();
        this.successes++;
      } catch (error) {
        this.failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** One full handshake. */
  handshake(): Promise<void> {
    const { port, servername } = this.#options;
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername, secureContext: this.#context }, () => {
        socket.destroy();
        resolve();
      });
      socket.setTimeout(30_000, () => socket.destroy(new Error('no handshake within 30 s')));
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed before the handshake was done')));
    });
  }
}
