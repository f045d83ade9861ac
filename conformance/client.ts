/** What promises are written in: a program's calls, each with what it must give, in few words. */

import * as fc from 'fast-check';
import * as ck from '../lib/pkcs11/constants.ts';
import { nameOf } from '../lib/pkcs11/names.ts';
import { ofText, ofUlong } from '../lib/tags/values.ts';
import type { Attribute, Mechanism } from '../lib/wire/schema.ts';
import type { FunctionName, Functions, Program, Reply, Subject, Token } from './subject.ts';
import type { Step } from './trace.ts';

export const RO = ck.CKF_SERIAL_SESSION;
export const RW = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION;
/** Bytes: room for whatever comes. */
export const ROOM = 2048;

export const attribute = (type: number, value: Uint8Array): Attribute => ({ type, value });
export const classIs = (value: number): Attribute => attribute(ck.CKA_CLASS, ofUlong(value));
export const labelIs = (text: string): Attribute => attribute(ck.CKA_LABEL, ofText(text));
export const bare = (type: number): Mechanism => ({ type, parameter: null });

/** A promise that does not hold. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

const namesOf = (codes: readonly number[]) => codes.map((code) => nameOf('CKR', code)).join(' or ');

export class Client {
  readonly subject: Subject;
  /** The calls of all applications. */
  readonly trace: Step[];
  readonly #program: Program;
  readonly #application: number;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(subject: Subject, program = subject.start(), application = 0, trace: Step[] = []) {
    this.subject = subject;
    this.#program = program;
    this.#application = application;
    this.trace = trace;
  }

  /** The client of one more application; undefined where the subject has one alone. */
  beside(application: number): Client | undefined {
    const program = this.subject.startBeside?.();
    return program && new Client(this.subject, program, application, this.trace);
  }

  /** The client of a child that is forked from this application. */
  async fork(application: number): Promise<Client> {
    if (this.#program.fork === undefined) throw new Error(`programs of ${this.subject.name} do not fork`);
    const program = await this.#program.fork();
    this.trace.push({ kind: 'fork', from: this.#application, application });
    return new Client(this.subject, program, application, this.trace);
  }

  async call<F extends FunctionName>(name: F, request: Functions[F]['request']): Promise<Reply<F>> {
    const calling = this.#program.call(name, request);
    this.#underWay.add(calling);
    const reply = await calling.finally(() => this.#underWay.delete(calling));
    this.trace.push({ kind: 'call', name, request, reply, application: this.#application } as Step);
    return reply;
  }

  /** The values of a call that must give CKR_OK. */
  async ok<F extends FunctionName>(name: F, request: Functions[F]['request']): Promise<Functions[F]['values']> {
    const { rv, values } = await this.call(name, request);
    if (rv !== ck.CKR_OK || values === undefined) {
      throw new Broken(`${name} gave ${nameOf('CKR', rv)}, and CKR_OK is promised`);
    }
    return values;
  }

  /** The code of a call that must give one of these. */
  async gives<F extends FunctionName>(
    codes: number | readonly number[],
    name: F,
    request: Functions[F]['request'],
  ): Promise<number> {
    return (await this.answers(codes, name, request)).rv;
  }

  /** The reply to a call that must give one of these codes. */
  async answers<F extends FunctionName>(
    codes: number | readonly number[],
    name: F,
    request: Functions[F]['request'],
  ): Promise<Reply<F>> {
    const promised = typeof codes === 'number' ? [codes] : codes;
    const reply = await this.call(name, request);
    if (!promised.includes(reply.rv)) {
      throw new Broken(`${name} gave ${nameOf('CKR', reply.rv)}, and ${namesOf(promised)} is promised`);
    }
    return reply;
  }

  /** Gives all of it back, so that the next program starts from nothing. No call may be under way by then. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await this.#program.call('finalize', {});
    await this.#program.end?.();
  }

  async open(flags = RW, { slot }: Token = this.subject): Promise<number> {
    return (await this.ok('openSession', { slot, flags })).session;
  }

  async login(session: number, { pin }: Token = this.subject): Promise<void> {
    await this.ok('login', { session, userType: ck.CKU_USER, pin });
  }

  /** A session with the user logged in. */
  async enter(flags = RW, token: Token = this.subject): Promise<number> {
    const session = await this.open(flags, token);
    await this.login(session, token);
    return session;
  }

  /** Leaves the input out where another library does not have the mechanism; ours has all. */
  async needs({ type }: Mechanism): Promise<void> {
    if (this.subject.isOurs) return;
    const { rv } = await this.call('getMechanismInfo', { slot: this.subject.slot, mechanism: type });
    fc.pre(rv !== ck.CKR_MECHANISM_INVALID);
  }

  async state(session: number): Promise<number> {
    return (await this.ok('getSessionInfo', { session })).state;
  }

  /** Handles of the objects that match. */
  async find(session: number, ...template: Attribute[]): Promise<readonly number[]> {
    await this.ok('findObjectsInit', { session, template });
    const { handles } = await this.ok('findObjects', { session, max: 1000 });
    await this.ok('findObjectsFinal', { session });
    return handles;
  }

  async findOne(session: number, ...template: Attribute[]): Promise<number> {
    const [handle, ...more] = await this.find(session, ...template);
    if (handle === undefined || more.length > 0) {
      throw new Broken(
        `the search found ${handle === undefined ? 'no object' : `${more.length + 1} objects`}, not one`,
      );
    }
    return handle;
  }

  /** The value of an attribute that the object must have. */
  async get(session: number, object: number, type: number): Promise<Uint8Array> {
    const { results } = await this.ok('getAttributeValue', {
      session,
      object,
      queries: [{ type, capacity: ROOM }],
    });
    const bytes = results[0]?.bytes;
    if (bytes === undefined || bytes === null) throw new Broken(`${nameOf('CKA', type)} came without its bytes`);
    return bytes;
  }

  async sign(session: number, mechanism: Mechanism, key: number, data: Uint8Array): Promise<Uint8Array> {
    await this.ok('signInit', { session, mechanism, key });
    const { signature } = await this.ok('sign', { session, data, signature: ROOM });
    return signature.bytes ?? new Uint8Array(0);
  }

  /** The code that C_Verify gives. */
  async verify(
    session: number,
    mechanism: Mechanism,
    key: number,
    data: Uint8Array,
    signature: Uint8Array,
  ): Promise<number> {
    await this.ok('verifyInit', { session, mechanism, key });
    return (await this.call('verify', { session, data, signature })).rv;
  }

  async digest(session: number, mechanism: Mechanism, data: Uint8Array): Promise<Uint8Array> {
    await this.ok('digestInit', { session, mechanism });
    const { digest } = await this.ok('digest', { session, data, digest: ROOM });
    return digest.bytes ?? new Uint8Array(0);
  }
}

export function equal(actual: unknown, promised: unknown, what: string): void {
  const [left, right] = [printable(actual), printable(promised)];
  if (left !== right) throw new Broken(`${what} is ${left}, and ${right} is promised`);
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Broken(what);
}

function printable(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : JSON.stringify(value);
}
