import { readFileSync } from 'node:fs';
import { connect, createSecureContext, type SecureContext } from 'node:tls';
import { Tally } from './tally.ts';

export interface LoadOptions {
  readonly port: number;
  /** The one certificate that is trusted. */
  readonly certificateFile: string;
  readonly servername: string;
  /** How long a client waits before it counts as failed. */
  readonly patienceMs: number;
}

const TICK_MS = 10;
/** Clients that wait at a time: what the system lets wait before nginx (listen's backlog is 511). More would not even connect. */
const MAX_WAITING = 500;

/** New TLS connections at a steady rate, whatever becomes of those before: as clients come, not as a server lets them. */
export class HandshakeLoad {
  /** Handshakes begun a second; may be changed at any time. */
  ratePerSecond: number;
  tally = new Tally(performance.now());
  readonly #options: LoadOptions;
  readonly #context: SecureContext;
  #due = 0;
  #waiting = 0;
  #tickedMs = 0;
  #ticker: NodeJS.Timeout | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: LoadOptions, ratePerSecond: number) {
    this.#options = options;
    this.ratePerSecond = ratePerSecond;
    // EC P-256: what two cores can make and check 200 times a second in all processes together.
    this.#context = createSecureContext({ ca: readFileSync(options.certificateFile), sigalgs: 'ECDSA+SHA256' });
  }

  start(): this {
    this.#tickedMs = performance.now();
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    return this;
  }

  /** Ends when the last one that was begun has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    if (this.#waiting > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  /** Counts from zero; a handshake belongs to the tally in which it began. */
  restartTally(): Tally {
    this.tally = new Tally(performance.now());
    return this.tally;
  }

  #tick(): void {
    const nowMs = performance.now();
    const sinceMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    this.#due += (sinceMs / 1000) * this.ratePerSecond;
    if (this.#waiting >= MAX_WAITING) this.tally.wasFull(sinceMs);
    for (; this.#due >= 1 && this.#waiting < MAX_WAITING; this.#due--) this.#handshake();
    // Those who found everything full have gone elsewhere: no burst afterwards.
    this.#due = Math.min(this.#due, 1);
  }

  #handshake(): void {
    const { port, servername, patienceMs } = this.#options;
    const { tally } = this;
    const handshake = tally.began(performance.now());
    let outcome: string | undefined = 'closed before the handshake was done';
    const socket = connect({ host: '127.0.0.1', port, servername, secureContext: this.#context }, () => {
      outcome = undefined;
      socket.destroy();
    });
    this.#waiting++;
    socket.setTimeout(patienceMs, () => socket.destroy(new Error(`no handshake within ${patienceMs} ms`)));
    socket.on('error', (error) => {
      if (outcome !== undefined) outcome = error.message;
    });
    socket.on('close', () => {
      this.#waiting--;
      const nowMs = performance.now();
      if (outcome === undefined) tally.succeeded(handshake, nowMs);
      else tally.failedWith(outcome, handshake, nowMs);
      if (this.#waiting === 0) this.#onIdle?.();
    });
  }
}
