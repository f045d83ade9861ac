import { setImmediate } from 'node:timers/promises';
import { CKR_DEVICE_ERROR } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type { Answer } from './attempt.ts';
import { type Page, pageOf, UnexpectedAnswer } from './bundle.ts';
import { type Credential, nameOf } from './credential.ts';
import { API, type Endpoint } from './endpoint.ts';
import { failureOfNetwork, failureOfToken } from './failures.ts';
import { NoAnswer } from './no-answer.ts';
import { type Asked, failureOfAnswer } from './refusals.ts';
import { fetchToken } from './token-credential.ts';
import { type AccessToken, objectIdOf, TokenSource } from './token-source.ts';
import type { Trace } from './trace.ts';
import type { HttpRequest } from './transport.ts';

/** Operations that may be sent again when nobody knows whether they arrived: nothing differs when they do twice. */
const REPEATABLE: ReadonlySet<Asked['operation']> = new Set(['list', 'get', 'sign', 'decrypt', 'random']);
/** What handshakes ask for. */
const HURRIED: ReadonlySet<Asked['operation']> = new Set(['sign', 'decrypt']);
const PATIENT: ReadonlySet<Asked['operation']> = new Set(['create']);
const MAX_PAGES = 10_000;
/** A list that changes under us this often is told to the caller. */
const MAX_LIST_ATTEMPTS = 3;
const GONE: ReadonlySet<number> = new Set([404, 410]);

export interface RestRequest<T> {
  readonly asked: Asked;
  readonly method: HttpRequest['method'];
  /** Without its query. */
  readonly path: string;
  readonly body?: string;
  /** Reads the JSON of a success; throws UnexpectedAnswer. */
  readonly read: (answer: unknown) => T;
}

/** A promise that is not waited for longer than this. */
function within<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Requests of one identity to one HSM, each with its token. */
export class RestClient {
  readonly name: string;
  readonly #endpoint: Endpoint;
  readonly #credential: Credential;
  readonly #tokens: TokenSource;
  /** With which status the HSM refused. */
  readonly #statuses = new WeakMap<Error, number>();

  constructor(endpoint: Endpoint, credential: Credential) {
    this.name = nameOf(credential);
    this.#endpoint = endpoint;
    this.#credential = credential;
    this.#tokens = new TokenSource((mostMs) => this.#fetchToken(mostMs), endpoint.nowMs);
  }

  /** Of the token that is held; undefined while there is none. */
  get tokenAge(): TokenSource['age'] {
    return this.#tokens.age;
  }

  /** Waits for a token if there is none. CKR_PIN_INCORRECT, CKR_DEVICE_ERROR. */
  async authenticate(): Promise<void> {
    await this.#tokens.get();
  }

  /** One request. Rejects with Pkcs11Error. */
  request<T>({ path, ...request }: RestRequest<T>): Promise<T> {
    return this.#ask({ ...request, path: `${path}?${API}` });
  }

  /**
   * All items of a list that can be read. Where the list went on at a place that is gone meanwhile (404, 410), it is read
   * again from its start, so that none is lost. A nextLink that leaves the HSM would carry the token away: refused.
   */
  async list<T>(asked: Asked, path: string, readItem: (item: unknown) => T): Promise<T[]> {
    for (let attempts = 1; ; attempts++) {
      const read = await this.#listOnce(asked, path, readItem, attempts < MAX_LIST_ATTEMPTS);
      if (read !== undefined) return read;
    }
  }

  /** Undefined when a page after the first is gone and `mayRestart`. */
  async #listOnce<T>(
    asked: Asked,
    path: string,
    readItem: (item: unknown) => T,
    mayRestart: boolean,
  ): Promise<T[] | undefined> {
    const read: T[] = [];
    const visited = new Set<string>();
    const ask = (path: string): Promise<Page | undefined> => {
      if (visited.has(path)) throw this.#unexpected(asked, new UnexpectedAnswer('the list goes in a circle'));
      if (visited.size >= MAX_PAGES) throw this.#unexpected(asked, new UnexpectedAnswer('the list never ends'));
      visited.add(path);
      const page = this.#page(asked, path, mayRestart && visited.size > 1);
      // Its failure is met where it is waited for.
      page.catch(() => undefined);
      return page;
    };
    let next: Promise<Page | undefined> | undefined = ask(`${path}?${API}&maxresults=25`);
    while (next !== undefined) {
      const page: Page | undefined = await next;
      if (page === undefined) return undefined;
      const { items, nextLink }: Page = page;
      // The next page is on its way while this one is read: the request leaves at the event loop's next turn.
      next = nextLink === undefined ? undefined : ask(this.#pathOf(nextLink));
      await setImmediate();
      for (const item of items) this.#readItem(asked, item, readItem, read);
    }
    return read;
  }

  /** Undefined when the page is gone and that is `expected`. */
  #page(asked: Asked, path: string, expected: boolean): Promise<Page | undefined> {
    const page = this.#ask({ asked, method: 'GET', path, read: pageOf });
    if (!expected) return page;
    return page.catch((error: unknown) => {
      if (error instanceof Pkcs11Error && GONE.has(this.#statuses.get(error) ?? 0)) return undefined;
      throw error;
    });
  }

  /** One damaged item costs itself alone. */
  #readItem<T>(asked: Asked, item: unknown, readItem: (item: unknown) => T, read: T[]): void {
    try {
      read.push(readItem(item));
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw error;
      this.#endpoint.log(`${this.#endpoint.url}: an item of the ${asked.operation} is left out: ${error.message}`);
    }
  }

  #pathOf(nextLink: string): string {
    const { url } = this.#endpoint;
    const next = URL.canParse(nextLink, url) ? new URL(nextLink, url) : undefined;
    if (next?.origin === new URL(url).origin) return `${next.pathname}${next.search}`;
    throw new Pkcs11Error(CKR_DEVICE_ERROR, `${url} continued its key list at ${next?.origin ?? 'no address'}`, {
      hint: 'a Managed HSM continues on its own address: check baseUrl; nothing was sent there',
    });
  }

  /** A token that the HSM refuses is fetched anew once; all of it within one deadline. */
  async #ask<T>({ asked, method, path, body, read }: RestRequest<T>): Promise<T> {
    const { requestMs, slowRequestMs } = this.#endpoint.timeouts;
    const endMs = performance.now() + (PATIENT.has(asked.operation) ? slowRequestMs : requestMs);
    for (let renewed = false; ; renewed = true) {
      const token = this.#tokens.current() ?? (await this.#tokens.soon());
      const answer = await this.#send({
        method,
        path,
        authorization: `Bearer ${token}`,
        repeatable: REPEATABLE.has(asked.operation),
        hurried: HURRIED.has(asked.operation),
        deadlineMs: Math.max(1, endMs - performance.now()),
        ...(body === undefined ? {} : { body }),
      });
      if (answer.status >= 200 && answer.status < 300) return this.#read(asked, answer, read);
      if (answer.status !== 401 || renewed) throw this.#refused(asked, answer, token);
      this.#tokens.discard(token);
      this.#endpoint.forgetAuthority();
    }
  }

  async #send(request: HttpRequest): Promise<Answer> {
    try {
      return await this.#endpoint.transport.request(request);
    } catch (error) {
      throw failureOfNetwork(error, this.#endpoint);
    }
  }

  #read<T>(asked: Asked, { body }: Answer, read: (answer: unknown) => T): T {
    try {
      return read(body === '' ? undefined : JSON.parse(body));
    } catch (error) {
      throw this.#unexpected(asked, error);
    }
  }

  #unexpected({ operation, key }: Asked, cause: unknown): Pkcs11Error {
    const what = key === undefined ? operation : `${operation} ${key}`;
    const why = cause instanceof UnexpectedAnswer ? cause.message : 'it is not JSON';
    return new Pkcs11Error(CKR_DEVICE_ERROR, `${this.#endpoint.url} answered ${what} with something else: ${why}`, {
      hint: 'check that the address is that of a Managed HSM and that no proxy answers instead',
      cause,
    });
  }

  #refused(asked: Asked, { status, body }: Answer, token: string): Pkcs11Error {
    const { url, configurationPath } = this.#endpoint;
    const parties = { url, configurationPath, identity: this.name, objectId: objectIdOf(token) };
    const failure = failureOfAnswer(status, body, asked, parties);
    this.#statuses.set(failure, status);
    return failure;
  }

  #fetchToken(mostMs = Number.POSITIVE_INFINITY): Promise<AccessToken> {
    const { url, configurationPath, timeouts } = this.#endpoint;
    const target = { url, configurationPath };
    const late = () => failureOfNetwork(new NoAnswer('answer', true), target);
    return within(this.#fetchTokenFor(target), Math.min(mostMs, timeouts.requestMs), late);
  }

  /** `target` becomes whom the token is asked of, for messages. */
  async #fetchTokenFor(target: { url: string; configurationPath: string }): Promise<AccessToken> {
    const authority = await this.#endpoint.authority();
    target.url = authority.host;
    const { http, learnSecret } = this.#endpoint;
    const trace: Trace = { http };
    try {
      const token = await fetchToken(this.#credential, authority, this.#endpoint.caPem, trace);
      learnSecret(token.token, 'token');
      if (this.#credential.kind === 'secret') learnSecret(this.#credential.clientSecret, 'accepted');
      return token;
    } catch (error) {
      throw failureOfToken(error, trace, this.#credential, this.name, target);
    }
  }
}
