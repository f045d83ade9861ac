/** What the program of a failure is made of: the steps of its run again, and the promise at the end. */

import { nameOf } from '../lib/pkcs11/names.ts';
import { type Replay, tryToBreak } from './check.ts';
import { Client } from './client.ts';
import { type Codec, type CodecName, recordingCodec } from './codec.ts';
import { Driven } from './driven.ts';
import { makeKeys } from './keys.ts';
import { promises } from './promises/all.ts';
import type { FunctionName, Functions, Subject } from './subject.ts';
import { subjects } from './subjects/all.ts';
import type { Handles, Step } from './trace.ts';

/** Where a call gave no handle: CK_INVALID_HANDLE. */
const NONE: Handles = { session: 0, publicKey: 0, privateKey: 0, handles: [] };

const MOST_CHARACTERS = 100;
const short = (text: string) => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text);

/** A step with its answer, and the one it had when the promise was broken where that was another. */
function say(what: string, answer: string, then: string): void {
  process.stdout.write(`${short(what)}: ${short(answer)}${answer === then ? '' : ` (then: ${short(then)})`}\n`);
}

/** The codes in the answer to a command: the rest, such as a signature, is another in each run. */
const codesOf = (answer: readonly string[]) => answer.map((line) => line.split(' ')[0] ?? '').join(' ');

function subjectNamed(name: string): keyof typeof subjects {
  if (name in subjects) return name as keyof typeof subjects;
  throw new Error(`${name} is no subject: ${Object.keys(subjects).join(', ')}`);
}

export class Again {
  readonly subject: Subject;
  readonly #trace: Step[] = [];
  readonly #clients: Client[];
  #driven: Driven | undefined;

  private constructor(subject: Subject) {
    this.subject = subject;
    this.#clients = [new Client(subject)];
  }

  /** The subject of that name, or of the one that the command line gives, with the keys of the suite. */
  static async start(name: string): Promise<Again> {
    const subject = await subjects[subjectNamed(process.argv[2] ?? name)].open();
    await makeKeys(subject);
    return new Again(subject);
  }

  /** The client of an application; a subject that is there once has the first alone. */
  #clientOf(application: number): Client {
    const [first] = this.#clients;
    const client = this.#clients[application] ?? first?.beside(application);
    if (client === undefined)
      throw new Error(`${this.subject.name} is one application, and these calls are of several`);
    this.#clients[application] = client;
    return client;
  }

  /** `then` is the name of the code. */
  async call<F extends FunctionName>(
    name: F,
    request: Functions[F]['request'],
    then: string,
    application = 0,
  ): Promise<Handles> {
    const { rv, values } = await this.#clientOf(application).call(name, request);
    say(`C_${name.charAt(0).toUpperCase()}${name.slice(1)}`, nameOf('CKR', rv), then);
    return { ...NONE, ...values };
  }

  async fork(from: number, application: number): Promise<void> {
    this.#clients[application] = await this.#clientOf(from).fork(application);
    process.stdout.write(`fork: application ${application}\n`);
  }

  async command(command: string, then: readonly string[]): Promise<void> {
    this.#driven ??= await Driven.load(this.subject, this.#trace);
    say(command, codesOf(await this.#driven.answer(command)), codesOf(then));
  }

  codec(name: CodecName, words: readonly unknown[], then: string): void {
    const codec: Codec = recordingCodec(this.#trace);
    try {
      Reflect.apply(codec[name], undefined, words);
    } catch {
      // The trace has it.
    }
    const step = this.#trace.at(-1);
    say(name, step?.kind === 'codec' ? step.answer : '', then);
  }

  /** Holds the promise against the input that broke it, and ends. */
  async hold(id: string, replay: Replay): Promise<void> {
    await this.#driven?.end();
    for (const client of this.#clients.toReversed()) await client?.end();
    const promise = promises.find((each) => each.id === id);
    if (promise === undefined) throw new Error(`there is no promise ${id} any more`);
    const { failure } = await tryToBreak(promise, this.subject, replay);
    process.stdout.write(failure === undefined ? `${id} holds\n` : `BROKEN ${id}: ${failure.message}\n`);
    process.exitCode = failure === undefined ? 0 : 1;
    await this.subject.close();
  }
}
