/** For tests: a client process with a session, which speaks in few words what a C program says in many. */

import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { EMPTY, FALSE, ofText, ofUlong, TRUE } from '../tags/values.ts';
import type { Application } from './application.ts';
import type { Attribute } from './calls.ts';
import { curves } from './curves.ts';
import type { CurveName } from './hsm.ts';
import { Library, type LibraryOptions } from './library.ts';
import { MemoryHsm } from './memory-hsm.ts';
import type { SlotOptions } from './slot.ts';

export const RO = ck.CKF_SERIAL_SESSION;
export const RW = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION;
export const PIN = ofText('client:secret');

export const attribute = (type: number, value: Uint8Array | null): Attribute => ({ type, value });
export const classIs = (value: number) => attribute(ck.CKA_CLASS, ofUlong(value));
export const labelIs = (text: string) => attribute(ck.CKA_LABEL, ofText(text));

/** The CKR code of a refusal, or CKR_OK. */
export async function codeOf(call: () => unknown): Promise<number> {
  try {
    await call();
    return ck.CKR_OK;
  } catch (error) {
    if (error instanceof Pkcs11Error) return error.rv;
    throw error;
  }
}

export interface Setup {
  hsm: MemoryHsm;
  library: Library;
  warnings: string[];
}

let seed = 0;

export function setUp(
  hsm = new MemoryHsm(),
  slot: Partial<SlotOptions> = {},
  options: Partial<LibraryOptions> = {},
): Setup {
  const warnings: string[] = [];
  const library = new Library({
    slots: [{ slotId: 7, label: 'tls', hsm, ...slot }],
    random: (bytes) => {
      seed += 1;
      return new Uint8Array(bytes).fill(seed % 256, 0, 1).fill(Math.floor(seed / 256), 1);
    },
    warn: (line) => warnings.push(line),
    ...options,
  });
  return { hsm, library, warnings };
}

/** An application with one session; logged in unless told otherwise. */
export class Client {
  readonly application: Application;
  readonly session: number;

  constructor(application: Application, session: number) {
    this.application = application;
    this.session = session;
  }

  static async open(library: Library, { flags = RW, login = true, session = 1, slot = 7 } = {}): Promise<Client> {
    const application = library.createApplication();
    application.openSession({ session, slot, flags });
    if (login) await application.login({ session, userType: ck.CKU_USER, pin: PIN });
    return new Client(application, session);
  }

  async find(...template: Attribute[]): Promise<number[]> {
    const { application, session } = this;
    await application.findObjectsInit({ session, template });
    const { handles } = application.findObjects({ session, max: 10_000 });
    application.findObjectsFinal({ session });
    return handles;
  }

  /** The one object that matches. */
  async findOne(...template: Attribute[]): Promise<number> {
    const [handle, ...more] = await this.find(...template);
    if (handle === undefined || more.length > 0) throw new Error(`${more.length} objects too many, or none`);
    return handle;
  }

  async get(object: number, type: number): Promise<Uint8Array | undefined> {
    const queries = [{ type, capacity: 10_000 }];
    const { results } = await this.application.getAttributeValue({ session: this.session, object, queries });
    return results[0]?.bytes ?? undefined;
  }

  async getText(object: number, type: number): Promise<string> {
    return Buffer.from((await this.get(object, type)) ?? EMPTY).toString();
  }

  set(object: number, ...template: Attribute[]): Promise<unknown> {
    return this.application.setAttributeValue({ session: this.session, object, template });
  }

  generate(mechanism: number, publicTemplate: Attribute[], privateTemplate: Attribute[]) {
    return this.application.generateKeyPair({
      session: this.session,
      mechanism: { type: mechanism, parameter: null },
      publicTemplate,
      privateTemplate,
    });
  }

  generateRsa(label: string, bits = 2048) {
    return this.generate(
      ck.CKM_RSA_PKCS_KEY_PAIR_GEN,
      [attribute(ck.CKA_MODULUS_BITS, ofUlong(bits)), attribute(ck.CKA_TOKEN, TRUE), labelIs(label)],
      [attribute(ck.CKA_TOKEN, TRUE), attribute(ck.CKA_EXTRACTABLE, FALSE), labelIs(label)],
    );
  }

  generateEc(label: string, curve: CurveName = 'P-256') {
    return this.generate(
      ck.CKM_EC_KEY_PAIR_GEN,
      [attribute(ck.CKA_EC_PARAMS, curves[curve].oid), attribute(ck.CKA_TOKEN, TRUE), labelIs(label)],
      [attribute(ck.CKA_TOKEN, TRUE), labelIs(label)],
    );
  }

  async sign(key: number, mechanism: number, data: Uint8Array, parameter: Uint8Array | null = null) {
    const { application, session } = this;
    await application.signInit({ session, mechanism: { type: mechanism, parameter }, key });
    const { signature } = await application.sign({ session, data, signature: 1024 });
    return signature.bytes ?? EMPTY;
  }

  async verify(
    key: number,
    mechanism: number,
    data: Uint8Array,
    signature: Uint8Array,
    parameter: Uint8Array | null = null,
  ) {
    const { application, session } = this;
    await application.verifyInit({ session, mechanism: { type: mechanism, parameter }, key });
    application.verify({ session, data, signature });
  }
}
