/** A C program with the module, for what pkcs11js cannot say: forks, and NULL for an output (native/test/driver). */

import * as ck from '../lib/pkcs11/constants.ts';
import { ofText, ofUlong } from '../lib/tags/values.ts';
import type { Driver } from '../native/test/driver.ts';
import { Broken } from './client.ts';
import type { TestKey } from './keys.ts';
import type { Subject } from './subject.ts';
import type { Step } from './trace.ts';

/** How the driver takes a PIN, so that it is in no buffer of its own. */
const MASK = 0x5a;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Commands that bring a process from nothing to a session with the user logged in. */
export const INITIALIZE = `init ${ck.CKF_OS_LOCKING_OK}`;
export const OPEN = `open $slot ${ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION}`;
const LOGIN = `login $session ${ck.CKU_USER} $pin`;

/** The commands of a signature with the key. */
export const signing = (data: Uint8Array): [string, string] => [
  `signinit $session ${ck.CKM_ECDSA} $key`,
  `sign $session ${hex(data)} buffer 512`,
];

/** Which word of an answer is known under which name from then on. */
const LEARNT: Readonly<Record<string, { name: string; at: number }>> = {
  open: { name: '$session', at: 1 },
  find: { name: '$key', at: 2 },
};

/**
 * Commands name slot, PIN, session and key as `$slot`, `$pin`, `$session` and `$key`: their values are each run's own.
 */
export class Driven {
  readonly #driver: Driver;
  readonly #trace: Step[];
  readonly #values: Map<string, string>;

  private constructor({ slot, pin }: Subject, driver: Driver, trace: Step[]) {
    this.#driver = driver;
    this.#trace = trace;
    this.#values = new Map([
      ['$slot', `${slot}`],
      ['$pin', hex(pin.map((byte) => byte ^ MASK))],
    ]);
  }

  static async load(subject: Subject, trace: Step[]): Promise<Driven> {
    if (subject.drive === undefined) throw new Broken('the subject is no module that a C program could load');
    return new Driven(subject, await subject.drive(), trace);
  }

  end(): Promise<number | null> {
    return this.#driver.end();
  }

  /** The lines of the answer: of `fork COMMAND;COMMAND` one a command, then that of the parent. */
  async answer(command: string): Promise<string[]> {
    const words = command.replaceAll(/\$\w+/g, (name) => this.#values.get(name) ?? '0');
    const answer = words.startsWith('fork ')
      ? await this.#driver.fork(...words.slice('fork '.length).split(';'))
      : [(await this.#driver.run(words)).trim()];
    this.#trace.push({ kind: 'command', command, answer });
    const learnt = LEARNT[command.split(' ')[0] ?? ''];
    const value = answer[0]?.split(' ')[learnt?.at ?? 0];
    if (learnt !== undefined && value !== undefined) this.#values.set(learnt.name, value);
    return answer;
  }

  /** Code and further words of the answer to a command that is not forked. */
  async words(command: string): Promise<string[]> {
    return (await this.answer(command))[0]?.split(' ') ?? [];
  }

  /** The words of the answer behind CKR_OK. */
  async ok(command: string): Promise<string[]> {
    const [rv, ...words] = await this.words(command);
    if (rv !== '0') throw new Broken(`${command.split(' ')[0]} gave 0x${rv}, and CKR_OK is promised`);
    return words;
  }

  /** From nothing to a session with the user logged in, and the handle of the key. */
  async enter({ label }: TestKey): Promise<void> {
    for (const command of [INITIALIZE, OPEN, LOGIN]) await this.ok(command);
    const wanted = `${ck.CKA_CLASS}=${hex(ofUlong(ck.CKO_PRIVATE_KEY))} ${ck.CKA_LABEL}=${hex(ofText(label))}`;
    await this.ok(`findinit $session ${wanted}`);
    const [count] = await this.ok('find $session 5');
    if (count !== '1') throw new Broken(`the search found ${count} objects, not one`);
    await this.ok('findfinal $session');
  }

  /** A signature with the key, in hexadecimal digits. */
  async sign(data: Uint8Array): Promise<string> {
    const [start, sign] = signing(data);
    await this.ok(start);
    return (await this.ok(sign))[1] ?? '';
  }
}
