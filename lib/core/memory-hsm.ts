/**
 * For tests: a Managed HSM in memory that makes real signatures. It keeps one list a identity, as the REST client does,
 * and shows what others changed only in a fresh one. Every request is noted in `requests`.
 */

import {
  constants,
  createECDH,
  createHash,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  privateEncrypt,
  randomBytes,
} from 'node:crypto';
import { CKR_DEVICE_ERROR, CKR_KEY_HANDLE_INVALID, CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { type Curve, curves } from './curves.ts';
import { hashes } from './hashes.ts';
import type {
  Hsm,
  HsmIdentity,
  KeyChanges,
  KeyOperation,
  KeySummary,
  KeyVersion,
  KeyVersionSummary,
  NewKey,
  PublicKey,
  SignatureAlgorithm,
  Tags,
} from './hsm.ts';

type Method = keyof Omit<HsmIdentity, 'name'>;

const OPENSSL_CURVES = { 'P-256': 'prime256v1', 'P-256K': 'secp256k1', 'P-384': 'secp384r1', 'P-521': 'secp521r1' };

interface StoredVersion extends KeyVersion {
  privateKey: KeyObject;
}

/** Making keys is slow: the nth key of a kind is the same in every HSM of a test run. */
const pool = new Map<string, KeyObject[]>();

function privateKeyOf(key: NewKey['key'], index: number): KeyObject {
  const kind = key.kty === 'RSA' ? `RSA ${key.bits}` : key.curve;
  const made = pool.get(kind) ?? [];
  pool.set(kind, made);
  made[index] ??=
    key.kty === 'RSA'
      ? generateKeyPairSync('rsa', { modulusLength: key.bits }).privateKey
      : generateKeyPairSync('ec', { namedCurve: OPENSSL_CURVES[key.curve] }).privateKey;
  return made[index];
}

const bytesOf = (text: string | undefined) => Uint8Array.from(Buffer.from(text ?? '', 'base64url'));
const numberOf = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);

function publicKeyOf(key: NewKey['key'], privateKey: KeyObject): PublicKey {
  const jwk: JsonWebKey = privateKey.export({ format: 'jwk' });
  return key.kty === 'RSA'
    ? { kty: 'RSA', modulus: bytesOf(jwk.n), exponent: bytesOf(jwk.e) }
    : { kty: 'EC', curve: key.curve, x: bytesOf(jwk.x), y: bytesOf(jwk.y) };
}

/** EMSA-PSS-ENCODE (RFC 8017, 9.1.1) for a modulus of whole bytes and a salt as long as the hash. */
function pssBlock(name: string, length: number, digest: Uint8Array): Buffer {
  const hash = (...parts: Uint8Array[]) => createHash(name).update(Buffer.concat(parts)).digest();
  const salt = randomBytes(digest.length);
  const h = hash(new Uint8Array(8), digest, salt);
  const db = Buffer.concat([Buffer.alloc(length - 2 * digest.length - 2), Buffer.of(1), salt]);
  for (let at = 0, counter = 0; at < db.length; counter += 1) {
    const block = hash(h, Buffer.of(0, 0, 0, counter));
    for (let i = 0; i < block.length && at < db.length; i += 1, at += 1) db[at] = (db[at] ?? 0) ^ (block[i] ?? 0);
  }
  db[0] = (db[0] ?? 0) & 0x7f;
  return Buffer.concat([db, h, Buffer.of(0xbc)]);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let rest = exponent, square = base; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
    if (rest & 1n) result = (result * square) % modulus;
  }
  return result;
}

/** ECDSA over a digest, which node:crypto does not offer; the point k·G comes from its ECDH. */
function ecdsa(curve: Curve, privateKey: KeyObject, digest: Uint8Array): Uint8Array {
  const d = numberOf(bytesOf(privateKey.export({ format: 'jwk' }).d));
  const ephemeral = createECDH(OPENSSL_CURVES[curve.name]);
  ephemeral.generateKeys();
  const point = ephemeral.getPublicKey();
  const r = numberOf(point.subarray(1, 1 + curve.fieldBytes)) % curve.n;
  const k = numberOf(ephemeral.getPrivateKey());
  const s = (power(k, curve.n - 2n, curve.n) * (numberOf(digest) + r * d)) % curve.n;
  return Buffer.from([r, s].map((half) => half.toString(16).padStart(curve.fieldBytes * 2, '0')).join(''), 'hex');
}

function signatureOf(key: StoredVersion, algorithm: SignatureAlgorithm, digest: Uint8Array): Uint8Array {
  const { publicKey, privateKey } = key;
  if (publicKey?.kty === 'EC') {
    const curve = curves[publicKey.curve];
    if (curve.algorithm !== algorithm || digest.length !== curve.digestBytes) throw new Error('bad parameter');
    return ecdsa(curve, privateKey, digest);
  }
  const hash = hashes.find((row) => row.pkcs1 === algorithm || row.pss === algorithm);
  if (hash !== undefined && digest.length !== hash.bytes) throw new Error('bad parameter');
  if (hash?.pss === algorithm) {
    const block = pssBlock(hash.name, publicKey?.modulus.length ?? 0, digest);
    return privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
  }
  const content = hash === undefined ? digest : Buffer.concat([hash.digestInfoPrefix, digest]);
  return privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, content);
}

function summaryOf({ name, created, updated, tags, enabled, notBefore, expires }: KeySummary): KeySummary {
  return { name, created, updated, tags, enabled, notBefore, expires };
}

export interface ForeignKey {
  name: string;
  key?: NewKey['key'];
  operations?: readonly KeyOperation[];
  tags?: Tags;
  /** A symmetric key: nothing to see. */
  symmetric?: boolean;
}

export class MemoryHsm implements Hsm {
  readonly url = 'https://memory.managedhsm.test';
  readonly ownIdentity: MemoryIdentity | undefined;
  /** `listKeys`, `getKey name`, `sign name RS256` ... in the order they came. */
  readonly requests: string[] = [];
  /** Versions of each key, oldest first. */
  readonly keys = new Map<string, StoredVersion[]>();
  /** Unix seconds; every change moves it on. */
  now = 1_700_000_000;
  readonly #identities = new Map<string, MemoryIdentity>();
  readonly #faults = new Map<Method, (name: string) => Error | undefined>();
  readonly #gates = new Map<Method, Promise<void>>();
  #made = 0;

  constructor(options: { own?: boolean } = {}) {
    this.ownIdentity = options.own === true ? new MemoryIdentity(this, 'own') : undefined;
  }

  identityOfPin(pin: Uint8Array): HsmIdentity {
    const text = Buffer.from(pin).toString();
    if (!text.includes(':')) throw new Pkcs11Error(CKR_PIN_INCORRECT, 'the PIN is not client-id:client-secret');
    const identity = this.#identities.get(text) ?? new MemoryIdentity(this, text);
    this.#identities.set(text, identity);
    return identity;
  }

  /** Lets requests of a kind fail, until it is called with undefined. */
  fail(method: Method, fault: Error | ((key: string) => Error | undefined) | undefined): void {
    if (fault === undefined) this.#faults.delete(method);
    else this.#faults.set(method, typeof fault === 'function' ? fault : () => fault);
  }

  /** Makes requests of a kind wait; the function given back lets them through. */
  hold(method: Method): () => void {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#gates.set(method, gate);
    return () => {
      this.#gates.delete(method);
      release();
    };
  }

  async request(method: Method, name = '', detail = ''): Promise<void> {
    this.requests.push([method, name, detail].filter(Boolean).join(' '));
    await this.#gates.get(method);
    const fault = this.#faults.get(method)?.(name);
    if (fault !== undefined) throw fault;
  }

  /** How many requests of a kind came. */
  count(method: Method): number {
    return this.requests.filter((request) => request.split(' ')[0] === method).length;
  }

  /** A new key, or a new version of it, as anybody with the right role makes it. */
  addKey({
    name,
    key = { kty: 'EC', curve: 'P-256' },
    operations = ['sign', 'verify'],
    tags = {},
    symmetric,
  }: ForeignKey) {
    return this.create({ name, key, operations, tags, lifetime: {} }, symmetric);
  }

  create({ name, key, operations, tags, lifetime }: NewKey, symmetric = false): StoredVersion {
    this.now += 1;
    const privateKey = privateKeyOf(key, this.#made);
    this.#made += 1;
    const version = createHash('md5').update(`${name} ${this.now}`).digest('hex');
    const stored: StoredVersion = {
      name,
      version,
      kid: `${this.url}/keys/${name}/${version}`,
      created: this.now,
      updated: this.now,
      tags,
      enabled: lifetime.enabled ?? true,
      notBefore: lifetime.notBefore,
      expires: lifetime.expires,
      operations,
      publicKey: symmetric ? undefined : publicKeyOf(key, privateKey),
      privateKey,
    };
    this.keys.set(name, [...(this.keys.get(name) ?? []), stored]);
    return stored;
  }

  /** A new version of a key, with its tags. */
  rotate(name: string): StoredVersion {
    const { tags, operations } = this.version(name);
    return this.addKey({ name, tags, operations });
  }

  version(name: string, version?: string): StoredVersion {
    const versions = this.keys.get(name) ?? [];
    const found = version === undefined ? versions.at(-1) : versions.find((it) => it.version === version);
    if (found === undefined) throw new Pkcs11Error(CKR_KEY_HANDLE_INVALID, `there is no key ${name}`);
    return found;
  }

  change(name: string, version: string | undefined, changes: KeyChanges): StoredVersion {
    this.now += 1;
    const { lifetime = {}, ...rest } = changes;
    const changed = { ...this.version(name, version), ...rest, ...lifetime, updated: this.now };
    const versions = this.keys.get(name) ?? [];
    this.keys.set(
      name,
      versions.map((it) => (it.version === changed.version ? changed : it)),
    );
    return changed;
  }
}

export class MemoryIdentity implements HsmIdentity {
  readonly name: string;
  readonly #hsm: MemoryHsm;
  readonly #secret: string;
  #list: readonly KeySummary[] | undefined;

  constructor(hsm: MemoryHsm, credential: string) {
    const [name = '', secret = ''] = credential.split(':');
    this.#hsm = hsm;
    this.name = name;
    this.#secret = secret;
  }

  async authenticate(): Promise<void> {
    await this.#hsm.request('authenticate');
    if (this.#secret === 'wrong') throw new Pkcs11Error(CKR_PIN_INCORRECT, `the secret of ${this.name} is refused`);
  }

  async listKeys({ fresh = false } = {}): Promise<readonly KeySummary[]> {
    if (this.#list !== undefined && !fresh) return this.#list;
    await this.#hsm.request('listKeys');
    const list = [...this.#hsm.keys.keys()].sort().map((name) => summaryOf(this.#hsm.version(name)));
    if (JSON.stringify(list) !== JSON.stringify(this.#list)) this.#list = list;
    return this.#list ?? list;
  }

  async getKey(name: string, version?: string): Promise<KeyVersion> {
    await this.#hsm.request('getKey', name);
    return this.#hsm.version(name, version);
  }

  async listVersions(name: string): Promise<readonly KeyVersionSummary[]> {
    await this.#hsm.request('listVersions', name);
    return (this.#hsm.keys.get(name) ?? []).map((it) => ({ ...summaryOf(it), version: it.version }));
  }

  async createKey(key: NewKey): Promise<KeyVersion> {
    await this.#hsm.request('createKey', key.name);
    this.#list = undefined;
    return this.#hsm.create(key);
  }

  async updateKey(name: string, version: string, changes: KeyChanges): Promise<KeyVersion> {
    await this.#hsm.request('updateKey', name);
    this.#list = undefined;
    return this.#hsm.change(name, version, changes);
  }

  async deleteKey(name: string): Promise<void> {
    await this.#hsm.request('deleteKey', name);
    this.#list = undefined;
    this.#hsm.keys.delete(name);
  }

  async sign(name: string, version: string, algorithm: SignatureAlgorithm, digest: Uint8Array): Promise<Uint8Array> {
    await this.#hsm.request('sign', name, algorithm);
    return signatureOf(this.#hsm.version(name, version) as StoredVersion, algorithm, digest);
  }

  async random(bytes: number): Promise<Uint8Array> {
    await this.#hsm.request('random');
    return randomBytes(bytes);
  }
}

/** For tests: what the REST client says when nobody answers. */
export const unreachable = () => new Pkcs11Error(CKR_DEVICE_ERROR, 'the HSM cannot be reached', { hint: 'try again' });
