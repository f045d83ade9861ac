import { X509Certificate } from 'node:crypto';
import type { Application } from '../core/application.ts';
import type { Attribute } from '../core/calls.ts';
import { curves } from '../core/curves.ts';
import type { Library } from '../core/library.ts';
import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { CKA_MHSM_KEY_NAME } from '../pkcs11/vendor-attributes.ts';
import { ofDate, ofText, ofUlong, TRUE } from '../tags/values.ts';
import type { Curve } from './algorithms.ts';
import { HsmKey } from './key.ts';
import type { Sessions } from './sessions.ts';

/** Which keys: those that have all that is said. */
export interface KeyQuery {
  /** CKA_LABEL, exactly. */
  readonly label?: string;
  /** CKA_ID in hexadecimal. */
  readonly id?: string;
  /** Name of the key in the HSM. */
  readonly name?: string;
  /** RSA or EC. */
  readonly type?: 'RSA' | 'EC';
}

/** A key to be made: RSA with its size, or EC with its curve. */
export type NewKey = (
  | {
      readonly type: 'RSA';
      /** Size of the modulus. Default: 2048. */
      readonly bits?: 2048 | 3072 | 4096;
    }
  | {
      readonly type: 'EC';
      /** Default: P-256. */
      readonly curve?: Curve;
    }
) & {
  /** CKA_LABEL. */
  readonly label: string;
  /** CKA_ID in hexadecimal. Default: SHA-1 of the name. */
  readonly id?: string;
  /** Name in the HSM, 1 to 127 letters, digits and hyphens. Default: `p11-` and 32 hexadecimal characters. */
  readonly name?: string;
  /** First day on which the HSM uses it, `YYYY-MM-DD`. */
  readonly notBefore?: string;
  /** Last day (UTC) on which the HSM uses it, `YYYY-MM-DD`. */
  readonly expires?: string;
};

interface Parts {
  readonly library: Library;
  readonly sessions: Sessions;
  readonly slot: number;
  readonly url: string;
  readonly close: () => Promise<void>;
}

const TOKEN_OBJECT: Attribute = { type: ck.CKA_TOKEN, value: TRUE };
const KEY_TYPES = { RSA: ck.CKK_RSA, EC: ck.CKK_EC } as const;
const text = (type: number, value: string): Attribute => ({ type, value: ofText(value) });
const ulong = (type: number, value: number): Attribute => ({ type, value: ofUlong(value) });

function hexadecimal(type: number, value: string): Attribute {
  if (/^([0-9a-f]{2})*$/i.test(value)) return { type, value: Buffer.from(value, 'hex') };
  throw new Pkcs11Error(ck.CKR_ATTRIBUTE_VALUE_INVALID, `id ${JSON.stringify(value)} is not hexadecimal`);
}

function date(type: number, day: string): Attribute {
  if (/^\d{4}-\d{2}-\d{2}$/.test(day)) return { type, value: ofDate(day.replaceAll('-', '')) };
  throw new Pkcs11Error(ck.CKR_ATTRIBUTE_VALUE_INVALID, `${JSON.stringify(day)} is no day: give it as YYYY-MM-DD`);
}

function privateTemplate({ label, id, name, notBefore, expires }: NewKey): Attribute[] {
  return [
    text(ck.CKA_LABEL, label),
    ...(id === undefined ? [] : [hexadecimal(ck.CKA_ID, id)]),
    ...(name === undefined ? [] : [text(CKA_MHSM_KEY_NAME, name)]),
    ...(notBefore === undefined ? [] : [date(ck.CKA_START_DATE, notBefore)]),
    ...(expires === undefined ? [] : [date(ck.CKA_END_DATE, expires)]),
  ];
}

function generation(key: NewKey): { mechanism: number; kind: Attribute } {
  if (key.type === 'RSA') {
    return { mechanism: ck.CKM_RSA_PKCS_KEY_PAIR_GEN, kind: ulong(ck.CKA_MODULUS_BITS, key.bits ?? 2048) };
  }
  if (key.type !== 'EC') {
    const type = JSON.stringify((key as { type: unknown }).type);
    throw new Pkcs11Error(ck.CKR_ATTRIBUTE_VALUE_INVALID, `type ${type} is no kind of key: give RSA or EC`);
  }
  const { curve = 'P-256' } = key;
  if (!Object.hasOwn(curves, curve)) {
    const known = Object.keys(curves).join(', ');
    throw new Pkcs11Error(ck.CKR_CURVE_NOT_SUPPORTED, `${curve} is no curve of a Managed HSM: it has ${known}`);
  }
  const { oid } = curves[curve];
  return { mechanism: ck.CKM_EC_KEY_PAIR_GEN, kind: { type: ck.CKA_EC_PARAMS, value: oid } };
}

/** A Managed HSM, opened and logged in. Any number of operations may run side by side. */
export class ManagedHsm {
  /** Its address, without a trailing slash. */
  readonly url: string;
  /** CK_SLOT_ID, for the low-level API. */
  readonly slot: number;
  readonly #parts: Parts;

  /** @internal */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.url = parts.url;
    this.slot = parts.slot;
  }

  /** The PKCS#11 functions of this login, for what has no method here: a method a function, named after it. */
  get application(): Application {
    return this.#parts.sessions.application;
  }

  /**
   * The newest version of each key that matches, and older ones that an open object still names; all keys without a
   * query. The list is read once a minute at most, whoever asks.
   */
  async findKeys({ label, id, name, type }: KeyQuery = {}): Promise<HsmKey[]> {
    const { sessions } = this.#parts;
    const handles = await sessions.find([
      ulong(ck.CKA_CLASS, ck.CKO_PRIVATE_KEY),
      ...(label === undefined ? [] : [text(ck.CKA_LABEL, label)]),
      ...(id === undefined ? [] : [hexadecimal(ck.CKA_ID, id)]),
      ...(name === undefined ? [] : [text(CKA_MHSM_KEY_NAME, name)]),
      ...(type === undefined ? [] : [ulong(ck.CKA_KEY_TYPE, KEY_TYPES[type])]),
    ]);
    return Promise.all(handles.map((handle) => HsmKey.read(sessions, handle)));
  }

  /** The one key that matches. Throws Pkcs11Error CKR_KEY_HANDLE_INVALID when there is none or more than one. */
  async findKey(query: KeyQuery): Promise<HsmKey> {
    const [key, ...others] = await this.findKeys(query);
    if (key !== undefined && others.length === 0) return key;
    const found = key === undefined ? 'no key has' : `${others.length + 1} keys have`;
    throw new Pkcs11Error(ck.CKR_KEY_HANDLE_INVALID, `${found} ${JSON.stringify(query)} in ${this.url}`, {
      hint:
        key === undefined ? 'findKeys() lists all that there are' : 'name the one that is meant: its name is unique',
    });
  }

  /** The certificates of the configuration, in its order. */
  async certificates(): Promise<X509Certificate[]> {
    const { sessions } = this.#parts;
    const handles = await sessions.find([ulong(ck.CKA_CLASS, ck.CKO_CERTIFICATE)]);
    const values = await Promise.all(handles.map((handle) => sessions.values(handle, [ck.CKA_VALUE])));
    return values.flatMap(([der]) => (der === undefined ? [] : [new X509Certificate(der)]));
  }

  /**
   * Makes a key in the HSM, with the tags that PKCS#11 finds it by. It signs and verifies. Throws Pkcs11Error:
   * CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT, and those of the HSM.
   */
  async createKey(key: NewKey): Promise<HsmKey> {
    const { sessions } = this.#parts;
    const { mechanism, kind } = generation(key);
    const own = privateTemplate(key);
    const { privateKey } = await sessions.use((session) =>
      sessions.application.generateKeyPair({
        session,
        mechanism: { type: mechanism, parameter: null },
        publicTemplate: [kind, TOKEN_OBJECT, text(ck.CKA_LABEL, key.label)],
        privateTemplate: [TOKEN_OBJECT, ...own],
      }),
    );
    return HsmKey.read(sessions, privateKey);
  }

  /** Bytes from the HSM's generator, at most 524288 at once. Needs the role at `/`. */
  async random(length: number): Promise<Buffer> {
    if (!Number.isSafeInteger(length) || length < 0)
      throw new Pkcs11Error(ck.CKR_ARGUMENTS_BAD, `${length} is no number of bytes`);
    const { sessions } = this.#parts;
    const { bytes } = await sessions.use((session) => sessions.application.generateRandom({ session, length }));
    return Buffer.from(bytes);
  }

  /** Gives the connections back. What is under way fails. */
  async close(): Promise<void> {
    this.#parts.sessions.close();
    await this.#parts.close();
  }

  /** As `close`: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
