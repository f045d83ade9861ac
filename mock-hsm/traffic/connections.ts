// TLS connections from the first byte on: their numbers, the faults of their handshakes, and how they are cut.
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Fault, handshake, kindOf } from './fault-model.ts';
import type { Faults } from './faults.ts';
import type { Metrics } from './metrics.ts';

/** TLS record with a fatal alert, handshake_failure (RFC 5246 section 7.2). */
const alert = Buffer.from([21, 3, 3, 0, 2, 2, 40]);

export class Connections {
  readonly #faults: Faults;
  readonly #metrics: Metrics;
  /** The TCP connections by what the other end is called, so that a TLS socket finds the one it stands on. */
  readonly #tcp = new Map<string, Socket>();
  readonly #numbers = new WeakMap<object, number>();
  #opened = 0;

  constructor(faults: Faults, metrics: Metrics) {
    this.#faults = faults;
    this.#metrics = metrics;
  }

  /** Looks after the connections of a server that does not listen yet. */
  attach(server: Server): void {
    const [startTls, ...others] = server.listeners('connection');
    if (startTls === undefined || others.length > 0) throw new Error('a server with one connection listener is needed');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const name = nameOf(socket);
      this.#tcp.set(name, socket);
      socket.once('close', () => this.#tcp.delete(name));
      this.#greet(socket, () => startTls.call(server, socket));
    });
    server.on('secureConnection', (socket: TLSSocket) => {
      this.#opened += 1;
      this.#numbers.set(socket, this.#opened);
      this.#metrics.connectionOpened();
      socket.once('close', () => this.#metrics.connectionClosed());
    });
  }

  /** Counts from 1 in the order of the handshakes; 0 for a connection it does not know. */
  numberOf(socket: object): number {
    return this.#numbers.get(socket) ?? 0;
  }

  /** Ends a connection at once: with a FIN, or with a reset. */
  cut(socket: Socket, reset: boolean): void {
    const tcp = this.#tcp.get(nameOf(socket));
    if (!reset) socket.destroy();
    else if (tcp !== undefined) tcp.resetAndDestroy();
    // Without TLS, as the server of managed identity is, the socket is the TCP connection.
    else if (socket instanceof TLSSocket) socket.destroy();
    else socket.resetAndDestroy();
  }

  /** Ends all, also those that never got as far as TLS. */
  cutAll(): void {
    for (const socket of this.#tcp.values()) socket.destroy();
  }

  #greet(socket: Socket, startTls: () => void): void {
    const fault = this.#faults.take({ operation: handshake });
    if (fault === undefined) return startTls();
    this.#metrics.countFault(handshake, kindOf(fault));
    // Whoever gives up while it is kept waiting may reset the connection.
    socket.on('error', () => {});
    const act = () => {
      if (!socket.destroyed) this.#spoil(socket, fault, startTls);
    };
    if (fault.delayMs === undefined) act();
    else setTimeout(act, fault.delayMs).unref();
  }

  #spoil(socket: Socket, fault: Fault, startTls: () => void): void {
    if (fault.silent === true) socket.pause();
    else if (fault.refuse === true) socket.end(alert);
    else if (fault.cut !== undefined) this.cut(socket, fault.reset === true);
    else startTls();
  }
}

const nameOf = (socket: Socket) => `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`;
