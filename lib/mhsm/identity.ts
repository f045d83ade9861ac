import type {
  HsmIdentity,
  KeyChanges,
  KeySummary,
  KeyVersion,
  KeyVersionSummary,
  NewKey,
  SignatureAlgorithm,
} from '../core/hsm.ts';
import { CKR_DEVICE_ERROR } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import {
  createBody,
  type KeyBundle,
  type KeyItem,
  listedOf,
  type Page,
  summaryOf,
  updateBody,
  versionOf,
} from './bundle.ts';
import { type Credential, nameOf, tokenCredential } from './credential.ts';
import type { Endpoint } from './endpoint.ts';
import { type Asked, failureOfAnswer, failureOfNetwork, failureOfToken, type Parties } from './failures.ts';
import { KeyList } from './key-list.ts';
import { type AccessToken, objectIdOf, TokenSource } from './token-source.ts';
import type { HttpRequest } from './transport.ts';

const API = 'api-version=7.4';
const RANDOM_BYTES_A_REQUEST = 128;

type Method = HttpRequest['method'];

/** One identity at one HSM over REST. */
export class RestIdentity implements HsmIdentity {
  readonly name: string;
  readonly #endpoint: Endpoint;
  readonly #credential: Credential;
  readonly #tokens: TokenSource;
  readonly #list: KeyList;

  constructor(endpoint: Endpoint, credential: Credential) {
    this.name = nameOf(credential);
    this.#endpoint = endpoint;
    this.#credential = credential;
    this.#tokens = new TokenSource(() => this.#fetchToken());
    this.#list = new KeyList(
      () => this.#sweep(),
      endpoint.keyListMs,
      () => performance.now(),
    );
  }

  async authenticate(): Promise<void> {
    await this.#tokens.get();
    this.#endpoint.warmUp();
  }

  listKeys({ fresh = false } = {}): Promise<readonly KeySummary[]> {
    return this.#list.get(fresh);
  }

  async getKey(name: string, version = ''): Promise<KeyVersion> {
    const path = `/keys/${encodeURIComponent(name)}/${version}?${API}`;
    return versionOf((await this.#json({ operation: 'get', key: name }, 'GET', path)) as KeyBundle);
  }

  async listVersions(name: string): Promise<readonly KeyVersionSummary[]> {
    const items = await this.#pages(
      { operation: 'list', key: name },
      `/keys/${encodeURIComponent(name)}/versions?${API}&maxresults=25`,
    );
    return items.map(summaryOf);
  }

  async createKey(key: NewKey): Promise<KeyVersion> {
    const asked: Asked = { operation: 'create', key: key.name };
    const bundle = await this.#json(
      asked,
      'POST',
      `/keys/${encodeURIComponent(key.name)}/create?${API}`,
      createBody(key),
    );
    this.#list.invalidate();
    return versionOf(bundle as KeyBundle);
  }

  async updateKey(name: string, version: string, changes: KeyChanges): Promise<KeyVersion> {
    const path = `/keys/${encodeURIComponent(name)}/${version}?${API}`;
    const bundle = await this.#json({ operation: 'update', key: name }, 'PATCH', path, updateBody(changes));
    this.#list.invalidate();
    return versionOf(bundle as KeyBundle);
  }

  async deleteKey(name: string): Promise<void> {
    await this.#json({ operation: 'delete', key: name }, 'DELETE', `/keys/${encodeURIComponent(name)}?${API}`);
    this.#list.invalidate();
  }

  async sign(name: string, version: string, algorithm: SignatureAlgorithm, digest: Uint8Array): Promise<Uint8Array> {
    const value = Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('base64url');
    const body = `{"alg":"${algorithm}","value":"${value}"}`;
    const answer = await this.#json(
      { operation: 'sign', key: name },
      'POST',
      `/keys/${name}/${version}/sign?${API}`,
      body,
    );
    return Buffer.from((answer as { value: string }).value, 'base64url');
  }

  async random(bytes: number): Promise<Uint8Array> {
    const counts: number[] = [];
    for (let left = bytes; left > 0; left -= RANDOM_BYTES_A_REQUEST)
      counts.push(Math.min(left, RANDOM_BYTES_A_REQUEST));
    const parts = counts.map(async (count) => {
      const answer = await this.#json({ operation: 'random' }, 'POST', `/rng?${API}`, JSON.stringify({ count }));
      return Buffer.from((answer as { value: string }).value, 'base64url');
    });
    return Buffer.concat(await Promise.all(parts));
  }

  async #fetchToken(): Promise<AccessToken> {
    const authority = await this.#endpoint.authority();
    const { url, configurationPath, caPem } = this.#endpoint;
    try {
      const credential = await tokenCredential(this.#credential, authority, caPem);
      const token = await credential.getToken(`${authority.resource}/.default`);
      if (token === null) throw new Error('no token came');
      return token;
    } catch (error) {
      const where = this.#credential.kind === 'managed' ? `the managed identity endpoint for ${url}` : authority.host;
      throw failureOfToken(error, this.name, where, configurationPath);
    }
  }

  async #sweep(): Promise<readonly KeySummary[]> {
    return (await this.#pages({ operation: 'list' }, `/keys?${API}&maxresults=25`)).map(listedOf);
  }

  /** All items from a page on. A nextLink that leaves the HSM would carry the token away: refused. */
  async #pages(asked: Asked, first: string): Promise<KeyItem[]> {
    const items: KeyItem[] = [];
    for (let path: string | undefined = first; path !== undefined; ) {
      const page: Page<KeyItem> = (await this.#json(asked, 'GET', path)) as Page<KeyItem>;
      items.push(...(page.value ?? []));
      path = page.nextLink ? this.#pathOf(page.nextLink) : undefined;
    }
    return items;
  }

  #pathOf(nextLink: string): string {
    const { url } = this.#endpoint;
    const next = URL.canParse(nextLink, url) ? new URL(nextLink, url) : undefined;
    if (next?.origin === new URL(url).origin) return `${next.pathname}${next.search}`;
    throw new Pkcs11Error(CKR_DEVICE_ERROR, `${url} continued its key list at ${next?.origin ?? 'no address'}`, {
      hint: 'a Managed HSM continues on its own address: check baseUrl; nothing was sent there',
    });
  }

  /** One request with the identity's token; a token that the HSM refuses is fetched anew once. */
  async #json(asked: Asked, method: Method, path: string, body?: string): Promise<unknown> {
    const repeatable = method === 'GET' || asked.operation === 'sign' || asked.operation === 'random';
    for (let renewed = false; ; renewed = true) {
      const token = this.#tokens.current() ?? (await this.#tokens.get());
      const answer = await this.#send({
        method,
        path,
        authorization: `Bearer ${token}`,
        repeatable,
        deadlineMs: this.#endpoint.deadlineMs(asked),
        ...(body === undefined ? {} : { body }),
      });
      if (answer.status === 401 && !renewed) this.#tokens.discard(token);
      else if (answer.status < 300) return this.#parse(answer.body, asked);
      else throw failureOfAnswer(answer.status, answer.body, asked, this.#parties(token));
    }
  }

  async #send(request: HttpRequest) {
    const { url, configurationPath, transport } = this.#endpoint;
    try {
      return await transport.request(request);
    } catch (error) {
      throw failureOfNetwork(error, url, configurationPath);
    }
  }

  #parse(body: string, { operation }: Asked): unknown {
    try {
      return JSON.parse(body);
    } catch (error) {
      throw new Pkcs11Error(
        CKR_DEVICE_ERROR,
        `${this.#endpoint.url} answered ${operation} with something that is not JSON`,
        {
          hint: 'check that the address is that of a Managed HSM and that no proxy answers instead',
          cause: error,
        },
      );
    }
  }

  #parties(token: string): Parties {
    const { url, configurationPath } = this.#endpoint;
    return { url, configurationPath, identity: this.name, objectId: objectIdOf(token) };
  }
}
