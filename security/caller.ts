/** A client of the agent's socket without the module: it may send what the module never would. */

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { decodeResponse, encodeRequest, FrameSplitter, type Response } from '../lib/wire/codec.ts';
import { type CallName, PROTOCOL_VERSION, type RequestOf } from '../lib/wire/schema.ts';

export class Caller {
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter();
  readonly #bodies: Buffer[] = [];
  #wake = () => {};
  readonly closed: Promise<void>;
  #isClosed = false;

  private constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#bodies.push(...this.#splitter.push(chunk));
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  static async connect(path: string): Promise<Caller> {
    const caller = new Caller(path);
    await new Promise<void>((resolve, reject) => {
      caller.#socket.once('connect', resolve).once('error', reject);
    });
    return caller;
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends a call and does not wait for its answer. */
  ask<C extends CallName>(call: C, fields: RequestOf<C>): void {
    this.send(encodeRequest(call, fields));
  }

  stopReading(): void {
    this.#socket.pause();
  }

  readAgain(): void {
    this.#socket.resume();
  }

  /** Undefined when the agent closed the connection instead. */
  call<C extends CallName>(call: C, fields: RequestOf<C>): Promise<Response<C> | undefined> {
    this.ask(call, fields);
    return this.answer(call);
  }

  /** Of the earliest call that has had none. Undefined when the agent closed the connection instead. */
  async answer<C extends CallName>(call: C): Promise<Response<C> | undefined> {
    while (this.#bodies.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const body = this.#bodies.shift();
    return body && decodeResponse(call, body);
  }

  hello(ticket: Uint8Array | null = null): Promise<Response<'hello'> | undefined> {
    const instance = randomBytes(16);
    return this.call('hello', { protocol: PROTOCOL_VERSION, instance, ticket, fresh: false, configuration: [] });
  }

  end(): void {
    this.#socket.destroy();
  }
}
