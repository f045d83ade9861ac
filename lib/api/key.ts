import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { derOfRaw, rawOfDer } from '../core/ecdsa-form.ts';
import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import {
  CKA_MHSM_KEY_ENABLED,
  CKA_MHSM_KEY_ID,
  CKA_MHSM_KEY_NAME,
  CKA_MHSM_KEY_VERSION,
} from '../pkcs11/vendor-attributes.ts';
import { EMPTY, ofUlong, toBoolean, toText } from '../tags/values.ts';
import {
  algorithmFor,
  type Curve,
  dataMechanism,
  defaultAlgorithm,
  digestMechanism,
  type SigningAlgorithm,
} from './algorithms.ts';
import type { Sessions } from './sessions.ts';

/** How to sign or verify. */
export interface SignOptions {
  /** By default RS256 for RSA, and for EC the one of the curve. */
  readonly algorithm?: SigningAlgorithm;
  /**
   * Form of an EC signature: `raw` is r‖s (JOSE, PKCS#11, WebCrypto), `der` is what X.509, TLS and OpenSSL write. RSA has
   * one form. Default: `raw`.
   */
  readonly encoding?: 'raw' | 'der';
}

const CURVES: Readonly<Record<string, Curve>> = {
  prime256v1: 'P-256',
  secp256k1: 'P-256K',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

const ATTRIBUTES = [
  ck.CKA_LABEL,
  ck.CKA_ID,
  CKA_MHSM_KEY_NAME,
  CKA_MHSM_KEY_VERSION,
  CKA_MHSM_KEY_ID,
  CKA_MHSM_KEY_ENABLED,
  ck.CKA_START_DATE,
  ck.CKA_END_DATE,
  ck.CKA_PUBLIC_KEY_INFO,
];

/** `YYYY-MM-DD` of a CK_DATE; undefined for the empty one. */
function dayOf(date: Uint8Array): string | undefined {
  return (toText(date) ?? '').replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3') || undefined;
}

/** One version of a key in the HSM. The private half stays there; everything shown here is public. */
export class HsmKey {
  /** CKA_LABEL: what TLS servers name the key by. */
  readonly label: string;
  /** CKA_ID, lower-case hexadecimal. */
  readonly id: string;
  /** Name of the key in the HSM, as roles are assigned at `/keys/{name}`. */
  readonly name: string;
  /** Version, 32 hexadecimal characters. */
  readonly version: string;
  /** `https://{hsm}/keys/{name}/{version}` */
  readonly keyId: string;
  /** Whether the HSM uses it at all. */
  readonly enabled: boolean;
  /** First day on which the HSM uses it, `YYYY-MM-DD`; undefined: always. */
  readonly notBefore: string | undefined;
  /** Last day (UTC) on which the HSM uses it, `YYYY-MM-DD`; undefined: never. */
  readonly expires: string | undefined;
  /** The public key, for `node:crypto`, `node:tls` and libraries that take a KeyObject. */
  readonly publicKey: KeyObject;
  /** RSA or EC. */
  readonly type: 'RSA' | 'EC';
  /** The curve of an EC key. */
  readonly curve: Curve | undefined;
  /** PKCS#11 handle of the private object, for the low-level API. */
  readonly handle: number;
  readonly #sessions: Sessions;

  private constructor(sessions: Sessions, handle: number, values: readonly (Uint8Array | undefined)[]) {
    const [label, id, name, version, keyId, enabled, from, until, info] = values.map((value) => value ?? EMPTY);
    const text = (value: Uint8Array | undefined) => toText(value ?? EMPTY) ?? '';
    this.#sessions = sessions;
    this.handle = handle;
    this.label = text(label);
    this.id = Buffer.from(id ?? EMPTY).toString('hex');
    this.name = text(name);
    this.version = text(version);
    this.keyId = text(keyId);
    this.enabled = toBoolean(enabled ?? EMPTY) === true;
    this.notBefore = dayOf(from ?? EMPTY);
    this.expires = dayOf(until ?? EMPTY);
    this.publicKey = createPublicKey({ key: Buffer.from(info ?? EMPTY), format: 'der', type: 'spki' });
    this.type = this.publicKey.asymmetricKeyType === 'rsa' ? 'RSA' : 'EC';
    this.curve = CURVES[this.publicKey.asymmetricKeyDetails?.namedCurve ?? ''];
  }

  /** @internal */
  static async read(sessions: Sessions, handle: number): Promise<HsmKey> {
    return new HsmKey(sessions, handle, await sessions.values(handle, ATTRIBUTES));
  }

  /** The public key as PEM (SubjectPublicKeyInfo). */
  get publicKeyPem(): string {
    return this.publicKey.export({ format: 'pem', type: 'spki' }).toString();
  }

  /** The public key as JWK, with the key's id as `kid`. */
  get publicKeyJwk(): JsonWebKey {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.keyId };
  }

  /**
   * Signs data: it is hashed here and only its digest is sent. Throws Pkcs11Error: CKR_KEY_TYPE_INCONSISTENT for an
   * algorithm of other keys, CKR_KEY_FUNCTION_NOT_PERMITTED for a key whose CKA_SIGN is false, CKR_FUNCTION_FAILED for an
   * identity that may not sign and a key that is disabled or out of its days (`cause` then has CKR_KEY_FUNCTION_NOT_PERMITTED),
   * CKR_DEVICE_ERROR when the HSM cannot be reached.
   */
  async sign(data: Uint8Array, options: SignOptions = {}): Promise<Buffer> {
    const { algorithm = defaultAlgorithm(this.curve) } = options;
    return this.#sign(dataMechanism(algorithmFor(algorithm, this.curve)), data, options);
  }

  /** Signs a digest that was made elsewhere, of the length of the algorithm's hash. Throws as `sign`, and CKR_DATA_LEN_RANGE. */
  async signDigest(digest: Uint8Array, options: SignOptions = {}): Promise<Buffer> {
    const { algorithm = defaultAlgorithm(this.curve) } = options;
    const { mechanism, data } = digestMechanism(algorithmFor(algorithm, this.curve), digest);
    return this.#sign(mechanism, data, options);
  }

  /** Whether a signature over data is this key's. Verified here, with the public key. */
  async verify(data: Uint8Array, signature: Uint8Array, options: SignOptions = {}): Promise<boolean> {
    const { algorithm = defaultAlgorithm(this.curve), encoding = 'raw' } = options;
    const mechanism = dataMechanism(algorithmFor(algorithm, this.curve));
    const raw = this.curve !== undefined && encoding === 'der' ? rawOfDer(signature, this.#fieldBytes) : signature;
    if (raw === undefined) return false;
    const { application } = this.#sessions;
    const key = await this.#publicHandle();
    return this.#sessions.use(async (session) => {
      await application.verifyInit({ session, mechanism, key });
      try {
        application.verify({ session, data, signature: raw });
        return true;
      } catch (error) {
        const wrong = [ck.CKR_SIGNATURE_INVALID, ck.CKR_SIGNATURE_LEN_RANGE] as readonly number[];
        if (error instanceof Pkcs11Error && wrong.includes(error.rv)) return false;
        throw error;
      }
    });
  }

  get #fieldBytes(): number {
    return Math.ceil(Number(/\d+/.exec(this.curve ?? '')?.[0] ?? 0) / 8);
  }

  async #publicHandle(): Promise<number> {
    const [values] = await this.#sessions.find([
      { type: ck.CKA_CLASS, value: ofUlong(ck.CKO_PUBLIC_KEY) },
      { type: CKA_MHSM_KEY_NAME, value: Buffer.from(this.name) },
      { type: CKA_MHSM_KEY_VERSION, value: Buffer.from(this.version) },
    ]);
    if (values === undefined) throw new Pkcs11Error(ck.CKR_KEY_HANDLE_INVALID, `key ${this.name} is gone`);
    return values;
  }

  #sign(
    mechanism: { type: number; parameter: Uint8Array | null },
    data: Uint8Array,
    { encoding = 'raw' }: SignOptions,
  ): Promise<Buffer> {
    const { application } = this.#sessions;
    return this.#sessions.use(async (session) => {
      await application.signInit({ session, mechanism, key: this.handle });
      const { signature } = await application.sign({ session, data, signature: Number.MAX_SAFE_INTEGER });
      const raw = signature.bytes ?? EMPTY;
      return Buffer.from(this.curve !== undefined && encoding === 'der' ? derOfRaw(raw) : raw);
    });
  }
}
