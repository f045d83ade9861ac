import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { CKR_OK, CKR_SESSION_HANDLE_INVALID } from '../../lib/pkcs11/constants.ts';
import { decodeRequest, encodeResponse, FrameSplitter, type Request, type Response } from '../../lib/wire/codec.ts';
import type { CallName, RequestOf, ResponseOf } from '../../lib/wire/schema.ts';

export const TICKET = Buffer.from('ticket of the fake agent, 40 bytes long.');

/** What a handler gives: the answer, an error code, or raw bytes to write instead; undefined writes nothing. */
type Reply<C extends CallName> = Partial<Response<C>> | Buffer | undefined;
type Handler<C extends CallName> = (fields: RequestOf<C>, from: Peer) => Reply<C>;

/** One connection, as the agent sees it. */
export interface Peer {
  readonly socket: Socket;
  instance: string;
}

export function ok<C extends CallName>(fields: ResponseOf<C>): Partial<Response<C>> {
  return { rv: CKR_OK, message: '', fields };
}

/**
 * An agent that does as a test tells it: sessions are known or not, signatures are the data. Every request is recorded.
 */
export class FakeAgent {
  readonly path: string;
  readonly requests: (Request & { instance: string })[] = [];
  readonly #handlers = new Map<CallName, Handler<CallName>>();
  readonly #sessions = new Map<string, Map<number, Uint8Array>>();
  readonly #peers = new Set<Peer>();
  #server: Server | undefined;
  #known = new Map<string, number>();

  constructor(path: string) {
    this.path = path;
  }

  async start(): Promise<void> {
    rmSync(this.path, { force: true });
    this.#sessions.clear();
    this.#known = new Map();
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.path, resolve));
  }

  /** On a listening socket that somebody else made. */
  async adopt(descriptor: number): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen({ fd: descriptor }, resolve));
  }

  /** As `kill -9` would: every connection ends, nobody listens. */
  async stop(): Promise<void> {
    for (const peer of this.#peers) peer.socket.destroy();
    await new Promise<void>((resolve) => {
      if (this.#server === undefined) resolve();
      else this.#server.close(() => resolve());
      this.#server = undefined;
    });
  }

  /** As an agent that handed over: who is connected stays. */
  stopAccepting(): void {
    this.#server?.close();
  }

  /** From now on more connections than these are closed at once, as those of a user that has its share. */
  set mostConnections(most: number) {
    if (this.#server !== undefined) this.#server.maxConnections = most;
  }

  on<C extends CallName>(call: C, handler: Handler<C>): void {
    this.#handlers.set(call, handler as unknown as Handler<CallName>);
  }

  off(call: CallName): void {
    this.#handlers.delete(call);
  }

  get connections(): number {
    return this.#peers.size;
  }

  /** Names of the calls so far, without the hellos unless asked for; forgets them. */
  take(): string[] {
    return this.requests.splice(0).map((request) => request.call);
  }

  #accept(socket: Socket): void {
    const peer: Peer = { socket, instance: '' };
    const splitter = new FrameSplitter();
    this.#peers.add(peer);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#leave(peer));
    socket.on('data', (chunk: Buffer) => {
      for (const body of splitter.push(chunk)) this.#answer(decodeRequest(body), peer);
    });
  }

  #leave(peer: Peer): void {
    this.#peers.delete(peer);
    const left = (this.#known.get(peer.instance) ?? 0) - 1;
    if (left > 0) this.#known.set(peer.instance, left);
    else {
      this.#known.delete(peer.instance);
      this.#sessions.delete(peer.instance);
    }
  }

  #answer(request: Request, peer: Peer): void {
    if (request.call === 'hello') peer.instance = Buffer.from(request.fields.instance).toString('hex');
    this.requests.push({ ...request, instance: peer.instance });
    const handler = this.#handlers.get(request.call);
    const reply = handler === undefined ? this.#reply(request, peer) : handler(request.fields as never, peer);
    if (reply === undefined || peer.socket.destroyed) return;
    if (Buffer.isBuffer(reply)) return void peer.socket.write(reply);
    const { rv = CKR_OK, message = '', fields = null, goesOn } = reply;
    peer.socket.write(encodeResponse(request.call, { rv, message, fields, goesOn } as never));
  }

  /** The hello an agent gives that lets everybody in; for handlers that change a part of it. */
  hello(peer: Peer): ResponseOf<'hello'> {
    const known = this.#known.get(peer.instance) ?? 0;
    this.#known.set(peer.instance, known + 1);
    return { ticket: TICKET, deadlineMs: 10_000, slowDeadlineMs: 20_000, again: false, known: known > 0 };
  }

  #reply(request: Request, peer: Peer): Partial<Response<CallName>> {
    const sessions = this.#sessions.get(peer.instance) ?? new Map<number, Uint8Array>();
    this.#sessions.set(peer.instance, sessions);
    if (request.call === 'hello') return ok<'hello'>(this.hello(peer));
    if (request.call === 'openSession') {
      if (!sessions.has(request.fields.session)) sessions.set(request.fields.session, new Uint8Array());
      return ok<'openSession'>({});
    }
    if ('session' in request.fields && !sessions.has(request.fields.session)) return { rv: CKR_SESSION_HANDLE_INVALID };
    return this.#replyInSession(request, sessions);
  }

  #replyInSession(request: Request, sessions: Map<number, Uint8Array>): Partial<Response<CallName>> {
    switch (request.call) {
      case 'getSlotList':
        return ok<'getSlotList'>({ slots: [3, 7] });
      case 'getSessionInfo':
        return ok<'getSessionInfo'>({ slot: 0, state: 2, flags: 4, deviceError: 0 });
      case 'closeSession':
        sessions.delete(request.fields.session);
        return ok<'closeSession'>({});
      case 'sign': {
        const { data, signature } = request.fields;
        return ok<'sign'>({ signature: { length: data.length, bytes: signature === null ? null : data } });
      }
      case 'decrypt': {
        const { encrypted, data } = request.fields;
        return ok<'decrypt'>({ data: { length: encrypted.length, bytes: data === null ? null : encrypted } });
      }
      case 'encrypt': {
        const { data, encrypted } = request.fields;
        return ok<'encrypt'>({ encrypted: { length: data.length, bytes: encrypted === null ? null : data } });
      }
      default:
        return { rv: CKR_OK, fields: {} as never };
    }
  }
}
