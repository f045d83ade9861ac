import type {
  EncryptionAlgorithm,
  HsmIdentity,
  KeyChanges,
  KeySummary,
  KeyVersion,
  KeyVersionSummary,
  ListOptions,
  NewKey,
  SignatureAlgorithm,
} from '../core/hsm.ts';
import { CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { createBody, listedOf, resultOf, resultOfKey, summaryOf, updateBody, versionOfKey } from './bundle.ts';
import type { Credential } from './credential.ts';
import type { Endpoint } from './endpoint.ts';
import { KeyList, type OnListed } from './key-list.ts';
import { KeyVersions } from './key-versions.ts';
import { type IdentityState, observeUse } from './observer.ts';
import { RestClient } from './rest.ts';

/** What the service gives at most at once. */
const RANDOM_BYTES_A_REQUEST = 128;

function pathOf(name: string, ...rest: readonly string[]): string {
  return ['/keys', ...[name, ...rest].map(encodeURIComponent)].join('/');
}

/** One name once: a list that changes while it is read can show a key on two of its pages. */
function oncePerName(keys: readonly KeySummary[]): readonly KeySummary[] {
  return [...new Map(keys.map((key) => [key.name, key])).values()];
}

/** One identity at one HSM over REST. */
export class RestIdentity implements HsmIdentity {
  readonly name: string;
  readonly #endpoint: Endpoint;
  readonly #rest: RestClient;
  readonly #list: KeyList;
  readonly #versions: KeyVersions;
  readonly #onRefused: () => void;

  /** `onRefused` is told when the credential turns out to be wrong. */
  constructor(endpoint: Endpoint, credential: Credential, onRefused: () => void = () => undefined) {
    this.#endpoint = endpoint;
    this.#onRefused = onRefused;
    this.#rest = new RestClient(endpoint, credential);
    this.name = this.#rest.name;
    const nowMs = () => performance.now();
    this.#list = new KeyList((onListed) => this.#sweep(onListed), endpoint.keyListMs, nowMs);
    this.#versions = new KeyVersions((name, version) => this.#readKey(name, version), endpoint.keyListMs, nowMs);
  }

  async authenticate(): Promise<void> {
    try {
      await this.#rest.authenticate();
    } catch (error) {
      if (error instanceof Pkcs11Error && error.rv === CKR_PIN_INCORRECT) this.#onRefused();
      throw error;
    }
    this.#endpoint.warmUp();
  }

  listKeys({ fresh = false, sparing = false, onListed, onSpared }: ListOptions = {}): Promise<readonly KeySummary[]> {
    if (fresh && sparing) return this.#list.getSparingly(onListed, onSpared);
    return this.#list.get(fresh, onListed);
  }

  get listsRead(): number {
    return this.#list.sweeps;
  }

  get state(): IdentityState {
    return { name: this.name, token: this.#rest.tokenAge, keyList: this.#list.age };
  }

  getKey(name: string, version?: string): Promise<KeyVersion> {
    return this.#versions.get(name, version);
  }

  listVersions(name: string): Promise<readonly KeyVersionSummary[]> {
    return this.#rest.list({ operation: 'list', key: name }, pathOf(name, 'versions'), summaryOf);
  }

  async createKey(key: NewKey): Promise<KeyVersion> {
    const created = await this.#rest.request({
      asked: { operation: 'create', key: key.name },
      method: 'POST',
      path: pathOf(key.name, 'create'),
      body: createBody(key),
      read: versionOfKey({ name: key.name }),
    });
    this.#list.invalidate();
    return this.#versions.remember(created);
  }

  async updateKey(name: string, version: string, changes: KeyChanges): Promise<KeyVersion> {
    this.#versions.forget(name);
    const updated = await this.#rest.request({
      asked: { operation: 'update', key: name },
      method: 'PATCH',
      path: pathOf(name, version),
      body: updateBody(changes),
      read: versionOfKey({ name, version }),
    });
    this.#list.invalidate();
    return this.#versions.remember(updated);
  }

  async deleteKey(name: string): Promise<void> {
    this.#versions.forget(name);
    await this.#rest.request({
      asked: { operation: 'delete', key: name },
      method: 'DELETE',
      path: pathOf(name),
      read: () => undefined,
    });
    this.#list.invalidate();
  }

  sign(name: string, version: string, algorithm: SignatureAlgorithm, digest: Uint8Array): Promise<Uint8Array> {
    return this.#use('sign', name, version, algorithm, digest);
  }

  decrypt(name: string, version: string, algorithm: EncryptionAlgorithm, encrypted: Uint8Array): Promise<Uint8Array> {
    return this.#use('decrypt', name, version, algorithm, encrypted);
  }

  #use(
    operation: 'sign' | 'decrypt',
    name: string,
    version: string,
    algorithm: string,
    input: Uint8Array,
  ): Promise<Uint8Array> {
    const value = Buffer.from(input.buffer, input.byteOffset, input.length).toString('base64url');
    const use = this.#rest.request({
      asked: { operation, key: name },
      method: 'POST',
      path: `/keys/${name}/${version}/${operation}`,
      // Neither an algorithm's name nor base64url has anything to escape.
      body: `{"alg":"${algorithm}","value":"${value}"}`,
      read: resultOfKey({ name, version }),
    });
    return observeUse(this.#endpoint.observer, operation, name, use);
  }

  async random(bytes: number): Promise<Uint8Array> {
    const counts: number[] = [];
    for (let left = bytes; left > 0; left -= RANDOM_BYTES_A_REQUEST) {
      counts.push(Math.min(left, RANDOM_BYTES_A_REQUEST));
    }
    const parts: Uint8Array[] = [];
    // One after another: a caller of much must not stand before other callers' signatures.
    for (const count of counts) {
      const part = await this.#rest.request({
        asked: { operation: 'random' },
        method: 'POST',
        path: '/rng',
        body: JSON.stringify({ count }),
        read: (answer) => resultOf(answer, count),
      });
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  #readKey(name: string, version: string | undefined): Promise<KeyVersion> {
    return this.#rest.request({
      asked: { operation: 'get', key: name },
      method: 'GET',
      // The service takes a trailing slash for "the newest".
      path: pathOf(name, version ?? ''),
      read: versionOfKey({ name, version }),
    });
  }

  async #sweep(onListed: OnListed | undefined): Promise<readonly KeySummary[]> {
    const read = (item: unknown) => {
      const key = listedOf(item);
      onListed?.(key);
      return key;
    };
    return oncePerName(await this.#rest.list({ operation: 'list' }, '/keys', read));
  }
}
