import type { Socket } from 'node:net';
import { descriptorOf, stopReading } from '../../native/addon/index.ts';
import type { BegunOperations } from '../core/application.ts';
import { CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED, CKR_OK } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { decodeRequest, encodeResponse, FrameSplitter, type Request, type Response } from '../wire/codec.ts';
import { CALLS, type CallName, MAX_FRAME_BYTES, PROTOCOL_VERSION, type RequestOf } from '../wire/schema.ts';
import { type AdmissionPolicy, isAdmitted, type Peer } from './admission.ts';
import type { Client } from './clients.ts';
import { type Dispatch, dispatch, type Pkcs11Calls, type Pkcs11Request, type Report, refusalOf } from './dispatch.ts';
import type { Occupation } from './ending.ts';
import { STRANGERS } from './report.ts';
import { isHttp } from './status-pages.ts';
import { issueTicket, verifyTicket } from './ticket.ts';

/** The calls of a client, and which of its sessions are within an operation. */
export type ServedCalls = Pkcs11Calls & { readonly operations: BegunOperations };

/** What a connection needs of its agent. */
export interface Host {
  readonly policy: AdmissionPolicy;
  readonly configurationFile: string;
  readonly deadlineMs: number;
  readonly slowDeadlineMs: number;
  /** A report for one connection of a process, which has a name among those of its user. */
  readonly reportToCaller: (peer: Peer, process: string) => Report;
  /** Makes the calls of one connection; by default without a trace. */
  readonly dispatchFor?: (peer: Peer) => Dispatch;
  /** Takes why a peer loses its connection. */
  closes(peer: Peer, why: string): void;
  /** The agent lets its clients go: nobody new comes. */
  retires(): boolean;
  /** An answer is going out. */
  answered(call: CallName, rv: number): void;
  /** Takes over a connection that speaks HTTP. */
  showStatus(socket: Socket, peer: Peer, first: Buffer): void;
  join(instance: Uint8Array, peer: Peer): Client<ServedCalls>;
  /** True when this agent hands over to a successor because the configuration is another one by now. */
  handsOver(seen: readonly number[], peer: Peer): boolean;
}

/** For a hello, for the rest of a frame that was begun, and for an answer to be read. */
const PEER_DEADLINE_MS = 10_000;
/** A hello is about 200 bytes; nobody takes more memory than this before being admitted. */
const HELLO_LIMIT_BYTES = 1024;
const INSTANCE_BYTES = 16;

type Hello = RequestOf<'hello'>;

/** By what it says of itself, and by the process id that the kernel says. */
function processOf({ pid }: Peer, { instance }: Hello): string {
  return `${pid} ${Buffer.from(instance).toString('hex')}`;
}

/** What a peer that is not admitted can vary is in no message: each is a line of the log, the same one once a second. */
function refusalOfStranger(host: Host, { uid }: Peer): Pkcs11Error {
  return new Pkcs11Error(CKR_FUNCTION_FAILED, `a process of user id ${uid} is not admitted to the agent`, {
    hint: `start it as a child of an admitted process, or list its user under agent.allowedUsers in ${host.configurationFile}`,
  });
}

function refusalOfVersion({ pid }: Peer, { protocol }: Hello): Pkcs11Error {
  const message = `the module of process ${pid} speaks protocol ${protocol}, this agent ${PROTOCOL_VERSION}`;
  return new Pkcs11Error(CKR_DEVICE_ERROR, message, {
    hint: 'module and agent come from different versions: restart the server after an upgrade',
  });
}

/**
 * Serves one connection: a hello, then one call at a time. A peer that breaks the protocol (bad frame, a call while
 * another is under way, no hello in time, half a frame, an answer that it does not read) loses this connection and
 * nothing else. So a connection holds one request and one answer at most, neither larger than a frame.
 */
export class Connection implements Occupation {
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #host: Host;
  /** Of the process that said hello. */
  #report: Report = () => '';
  readonly #dispatch: Dispatch;
  readonly #splitter = new FrameSplitter();
  /** Runs while something is awaited of the peer. */
  #timer: NodeJS.Timeout | undefined;
  #client: Client<ServedCalls> | undefined;
  #underWay: CallName | undefined;
  #begunAtMs = 0;
  #usedAtMs = performance.now();
  #isUnpaused = false;
  #retires = false;
  /** Takes no request any more. */
  #isClosing = false;

  constructor(socket: Socket, peer: Peer, host: Host) {
    this.#socket = socket;
    this.#peer = peer;
    this.#host = host;
    this.#dispatch = host.dispatchFor?.(peer) ?? dispatch;
    this.#splitter.limitBytes = HELLO_LIMIT_BYTES;
    this.#expect('it sent no hello in time');
    socket.once('data', (first: Buffer) => this.#begin(first));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#close());
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#client?.release();
    this.#client = undefined;
  }

  get isBusy(): boolean {
    return this.#underWay !== undefined;
  }

  get isSlow(): boolean {
    return this.#underWay !== undefined && 'slow' in CALLS[this.#underWay];
  }

  get isUnpaused(): boolean {
    return this.#isUnpaused;
  }

  lookForPause(): void {
    this.#isUnpaused = this.isBusy || this.#isWithinOperation;
  }

  get begunAtMs(): number {
    return this.#begunAtMs;
  }

  get usedAtMs(): number {
    return this.#usedAtMs;
  }

  get #isWithinOperation(): boolean {
    return this.#client?.places.isPlace(this, this.#client.application.operations) === true;
  }

  /** What would be lost with it now, for the log. */
  get unfinished(): string | undefined {
    const { pid } = this.#peer;
    if (this.#underWay !== undefined) return `${this.#underWay} of process ${pid}`;
    return this.#isWithinOperation ? `an operation that process ${pid} began and does not go on with` : undefined;
  }

  /** Ends it, whatever is under way. */
  cut(): void {
    this.#socket.destroy();
  }

  /** Lets its process go to the successor: now, or when the call and the operation that are under way here have ended. */
  retire(): void {
    this.#retires = true;
    this.#letGo();
  }

  /** One that is sent from now on fails unsent at the module, which takes another connection. */
  #letGo(): void {
    if (this.#isClosing || this.#client === undefined || this.isBusy || this.#isWithinOperation) return;
    this.#isClosing = true;
    const descriptor = descriptorOf(this.#socket);
    try {
      if (descriptor !== undefined) stopReading(descriptor);
    } catch {
      // Its process has just gone.
      this.#socket.destroy();
    }
  }

  /** What a retiring connection had received before is answered yet. */
  #ended(): void {
    if (!this.#isClosing || !this.isBusy) this.#socket.end();
  }

  /** Of two waits the first decides: bytes that trickle in win no time. */
  #expect(orElse: string): void {
    this.#timer ??= setTimeout(() => this.#drop(orElse), PEER_DEADLINE_MS);
  }

  #isMet(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #drop(why: string): void {
    this.#host.closes(this.#peer, why);
    this.#socket.destroy();
  }

  /** Who speaks HTTP wants to know how the agent is; everybody else says hello. */
  #begin(first: Buffer): void {
    if (isHttp(first)) {
      this.#isMet();
      return this.#host.showStatus(this.#socket, this.#peer, first);
    }
    this.#socket.on('drain', () => this.#wasRead());
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#receive(first);
  }

  #receive(chunk: Buffer): void {
    try {
      const [body, next] = this.#splitter.push(chunk);
      if (next !== undefined) return this.#drop(`it sent ${decodeRequest(next).call} while a call was under way`);
      if (this.#splitter.isWithinFrame) this.#expect('it stopped within a frame');
      else if (this.#client !== undefined) this.#isMet();
      if (body !== undefined) this.#handle(decodeRequest(body));
    } catch (error) {
      this.#drop(error instanceof Error ? error.message : String(error));
    }
  }

  #handle(request: Request): void {
    if (this.#socket.destroyed) return;
    if (this.isBusy) return this.#drop(`it sent ${request.call} while a call was under way`);
    if (request.call === 'hello') return this.#hello(request.fields);
    const client = this.#client;
    if (client === undefined) return this.#drop(`it sent ${request.call} before hello`);
    // The module makes it again at the successor, where what it begins can go on.
    if (this.#isClosing && 'repeatable' in CALLS[request.call]) return void this.#socket.destroy();
    this.#call(client, request);
  }

  #call(client: Client<ServedCalls>, request: Pkcs11Request): void {
    const response = this.#dispatch(client.application, request, this.#report);
    if (!(response instanceof Promise)) return this.#conclude(request, response);
    this.#underWay = request.call;
    this.#begunAtMs = performance.now();
    response.then((late) => {
      this.#underWay = undefined;
      this.#conclude(request, late);
    });
  }

  #conclude(request: Pkcs11Request, response: Response<CallName>): void {
    const goesOn = this.#goesOn(request);
    this.#usedAtMs = performance.now();
    if (this.#isUnpaused && !goesOn && !this.#isWithinOperation) this.#isUnpaused = false;
    // Before the answer, which brings the next call.
    if (this.#retires) this.#letGo();
    this.#answer(request.call, goesOn ? { ...response, goesOn } : response);
    if (this.#isClosing) this.#socket.end();
  }

  #goesOn({ call, fields }: Pkcs11Request): boolean {
    const client = this.#client;
    if (client === undefined || !('operation' in CALLS[call]) || !('session' in fields)) return false;
    return client.places.note(fields.session, this, client.application.operations);
  }

  #answer(call: CallName, response: Response<CallName>): void {
    if (this.#socket.destroyed) return;
    this.#host.answered(call, response.rv);
    try {
      this.#write(encodeResponse(call, response));
    } catch (error) {
      this.#write(encodeResponse(call, refusalOf(call, error, this.#report)));
    }
  }

  /** Nothing more is read of a peer until it has read what it asked for. */
  #write(frame: Buffer): void {
    if (this.#socket.write(frame)) return;
    this.#socket.pause();
    this.#expect('it does not read its answer');
  }

  #wasRead(): void {
    this.#isMet();
    this.#socket.resume();
  }

  #hello(hello: Hello): void {
    if (this.#client !== undefined) return this.#drop('it sent a second hello');
    if (hello.instance.length !== INSTANCE_BYTES)
      return this.#drop(`its instance id has ${hello.instance.length} bytes`);
    const admitted = isAdmitted(this.#host.policy, this.#peer, hello.ticket);
    this.#report = this.#host.reportToCaller(this.#peer, admitted ? processOf(this.#peer, hello) : STRANGERS);
    if (!admitted) return this.#refuse(refusalOfStranger(this.#host, this.#peer));
    if (hello.protocol !== PROTOCOL_VERSION) return this.#refuse(refusalOfVersion(this.#peer, hello));
    try {
      if (this.#host.retires()) return this.#welcome(hello, true);
      if (hello.fresh && this.#host.handsOver(hello.configuration, this.#peer)) return this.#welcome(hello, true);
      this.#client = this.#host.join(hello.instance, this.#peer);
    } catch (error) {
      return this.#refuse(error);
    }
    this.#isMet();
    this.#splitter.limitBytes = MAX_FRAME_BYTES;
    this.#welcome(hello, false);
  }

  /** A process keeps the ticket it has if that still opens: one of a launcher that is gone would lock out its children. */
  #welcome(hello: Hello, again: boolean): void {
    const { deadlineMs, slowDeadlineMs, policy } = this.#host;
    const valid = hello.ticket !== null && verifyTicket(policy.ticketKey, hello.ticket);
    const ticket = valid ? hello.ticket : issueTicket(policy.ticketKey);
    const known = this.#client?.known ?? false;
    this.#answer('hello', { rv: CKR_OK, message: '', fields: { ticket, deadlineMs, slowDeadlineMs, again, known } });
    if (again) this.#socket.end();
  }

  #refuse(error: unknown): void {
    this.#answer('hello', refusalOf('hello', error, this.#report));
    this.#socket.end();
  }
}
