/** A C program with the module, for what pkcs11js cannot say: forks, and NULL for an output (native/test/driver). */

import * as ck from '../lib/pkcs11/constants.ts';
import { ofText, ofUlong } from '../lib/tags/values.ts';
import type { Driver } from '../native/test/driver.ts';
import { Broken } from './client.ts';
import type { TestKey } from './keys.ts';
import type { Subject } from './subject.ts';

/** How the driver takes a PIN, so that it is in no buffer of its own. */
const MASK = 0x5a;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export interface Entered {
  readonly session: number;
  readonly key: number;
}

export class Driven {
  readonly #subject: Subject;
  readonly driver: Driver;

  constructor(subject: Subject, driver: Driver) {
    this.#subject = subject;
    this.driver = driver;
  }

  /** The words of the answer behind CKR_OK. */
  async ok(command: string): Promise<string[]> {
    const [rv, ...words] = (await this.driver.run(command)).trim().split(' ');
    if (rv !== '0') throw new Broken(`${command.split(' ')[0]} gave 0x${rv}, and CKR_OK is promised`);
    return words;
  }

  /** Commands that bring a process from nothing to a session with the user logged in. */
  get commandOfOpening(): string {
    return `open ${this.#subject.slot} ${ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION}`;
  }

  commandOfLogin(session: number): string {
    const pin = this.#subject.pin.map((byte) => byte ^ MASK);
    return `login ${session} ${ck.CKU_USER} ${hex(pin)}`;
  }

  async enter({ label }: TestKey): Promise<Entered> {
    await this.ok(`init ${ck.CKF_OS_LOCKING_OK}`);
    const session = Number((await this.ok(this.commandOfOpening))[0]);
    await this.ok(this.commandOfLogin(session));
    const wanted = `${ck.CKA_CLASS}=${hex(ofUlong(ck.CKO_PRIVATE_KEY))} ${ck.CKA_LABEL}=${hex(ofText(label))}`;
    await this.ok(`findinit ${session} ${wanted}`);
    const [count, key] = await this.ok(`find ${session} 5`);
    if (count !== '1') throw new Broken(`the search found ${count} objects, not one`);
    await this.ok(`findfinal ${session}`);
    return { session, key: Number(key) };
  }

  async sign({ session, key }: Entered, data: Uint8Array): Promise<string> {
    await this.ok(`signinit ${session} ${ck.CKM_ECDSA} ${key}`);
    return (await this.ok(`sign ${session} ${hex(data)} buffer 512`))[1] ?? '';
  }
}
