// The listening server while it serves: how long connections live, an outage, another certificate.
import { randomBytes } from 'node:crypto';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from '../tls/certificate-authority.ts';

/** Clients cache connections for minutes between handshakes. */
const keepAliveMs = 600_000;
/** Between two tries to listen again. */
const retryMs = 250;

export interface ConnectionLimits {
  /** How long an idle connection stays open. */
  readonly idleTimeoutMs: number;
  /** Requests after which a connection is closed; 0 for as many as come. */
  readonly maxRequests: number;
}

export class Listener {
  #server: Server | undefined;
  #limits: ConnectionLimits;
  #outage: NodeJS.Timeout | undefined;
  readonly #answers = new WeakMap<object, number>();

  constructor(idleTimeoutMs = keepAliveMs, maxRequests = 0) {
    this.#limits = { idleTimeoutMs, maxRequests };
  }

  /** To be called before the server listens. */
  attach(server: Server): void {
    this.#server = server;
    this.limits = this.#limits;
  }

  get limits(): ConnectionLimits {
    return this.#limits;
  }

  /** Holds for connections that become idle from now on. */
  set limits(limits: ConnectionLimits) {
    this.#limits = limits;
    if (this.#server === undefined) return;
    // With 0 Node would never close an idle connection; 1 ms is as near as it goes.
    this.#server.keepAliveTimeout = Math.max(1, limits.idleTimeoutMs);
  }

  /** Counts an answer on a connection. @returns whether it is the last that the limit allows there */
  isLastAnswer(socket: object): boolean {
    // Node's own maxRequestsPerSocket announces the end and leaves the connection open.
    if (this.#limits.maxRequests === 0) return false;
    const count = (this.#answers.get(socket) ?? 0) + 1;
    this.#answers.set(socket, count);
    return count >= this.#limits.maxRequests;
  }

  /** Shows another certificate to new connections, and lets none resume a session under the old one. */
  present({ keyPem, certPem }: Certificate): void {
    this.#server?.setSecureContext({ key: keyPem, cert: certPem, minVersion: 'TLSv1.2', ticketKeys: randomBytes(48) });
  }

  /**
   * Stops listening, so that connections are refused, and listens again on the same port after a while.
   * @param cut whether connections with a request in work end too; Node ends idle ones of a server that closes
   */
  interrupt(forMs: number, cut: boolean): void {
    const server = this.#server;
    if (server === undefined || !server.listening) return;
    const { port, address } = server.address() as AddressInfo;
    server.close();
    if (cut) server.closeAllConnections();
    this.#outage = setTimeout(() => this.#listenAgain(server, port, address), forMs);
  }

  /** Another process may have taken the port meanwhile: says so once, and tries until it is free. */
  #listenAgain(server: Server, port: number, address: string, isRetry = false): void {
    const failed = ({ message }: Error) => {
      if (!isRetry) process.stderr.write(`mock-hsm: cannot listen again after the outage, trying on: ${message}\n`);
      this.#outage = setTimeout(() => this.#listenAgain(server, port, address, true), retryMs);
    };
    server.once('error', failed).listen(port, address, () => server.off('error', failed));
  }

  /** Ends an outage without listening again. */
  stop(): void {
    clearTimeout(this.#outage);
  }
}
