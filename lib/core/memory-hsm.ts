/**
 * For tests: a Managed HSM in memory that makes real signatures. It keeps one list a identity, as the REST client does,
 * and shows what others changed only in a fresh one. Every request is noted in `requests`.
 */

import { createHash, randomBytes } from 'node:crypto';
import { CKR_DEVICE_ERROR, CKR_KEY_HANDLE_INVALID, CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type {
  EncryptionAlgorithm,
  Hsm,
  HsmIdentity,
  KeyChanges,
  KeyOperation,
  KeySummary,
  KeyVersion,
  KeyVersionSummary,
  NewKey,
  SignatureAlgorithm,
  Tags,
} from './hsm.ts';
import { plaintextOf } from './memory-decryption.ts';
import { privateKeyOf, publicKeyOf, type StoredVersion, signatureOf } from './memory-signatures.ts';

type Method = keyof Omit<HsmIdentity, 'name' | 'listsRead'>;

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
    const old = this.version(name, version);
    const { enabled = old.enabled, notBefore = old.notBefore, expires = old.expires } = lifetime;
    const times = { notBefore: notBefore ?? undefined, expires: expires ?? undefined };
    const changed = { ...old, ...rest, enabled, ...times, updated: this.now };
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
  listsRead = 0;
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
    this.listsRead += 1;
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

  async decrypt(
    name: string,
    version: string,
    algorithm: EncryptionAlgorithm,
    encrypted: Uint8Array,
  ): Promise<Uint8Array> {
    await this.#hsm.request('decrypt', name, algorithm);
    return plaintextOf(this.#hsm.version(name, version) as StoredVersion, algorithm, encrypted);
  }

  async random(bytes: number): Promise<Uint8Array> {
    await this.#hsm.request('random');
    return randomBytes(bytes);
  }
}

/** For tests: what the REST client says when nobody answers. */
export const unreachable = () => new Pkcs11Error(CKR_DEVICE_ERROR, 'the HSM cannot be reached', { hint: 'try again' });
