// A mock-hsm with very many keys, filled and read by bare HTTP.
import { readFileSync } from 'node:fs';
import { Pool } from 'undici';
import { CRYPTO_USER, MockHsm } from '../demo/mock.ts';

const API = 'api-version=7.4';
const LANES = 8;

export type MadeBy = 'library' | 'others';

/** The tags that the library gives to a key of its own; others give none. */
function tagsOf(madeBy: MadeBy, number: number): object {
  const label = labelOf(number);
  const id = number.toString(16).padStart(40, '0');
  return madeBy === 'others'
    ? {}
    : {
        p11_pri_CKA_KEY_TYPE: 'EC',
        p11_pri_CKA_LABEL: label,
        p11_pri_CKA_ID: id,
        p11_pub_CKA_LABEL: label,
        p11_pub_CKA_ID: id,
      };
}

/** CKA_LABEL of the nth key, and its name. */
export const labelOf = (number: number) => `key-${String(number).padStart(5, '0')}`;

export class FullPool {
  readonly mock: MockHsm;
  readonly keys: number;
  readonly #http: Pool;
  readonly #authorization: string;

  private constructor(mock: MockHsm, keys: number, authorization: string) {
    this.mock = mock;
    this.keys = keys;
    this.#authorization = authorization;
    this.#http = new Pool(mock.url, { connections: LANES, connect: { ca: readFileSync(mock.caFile, 'utf8') } });
  }

  /** Starts a mock in `folder` and makes the keys in it. */
  static async start(folder: string, keys: number, madeBy: MadeBy): Promise<FullPool> {
    const mock = await MockHsm.start(folder);
    const { clientId, clientSecret, objectId } = mock.offload;
    await mock.assignRole(CRYPTO_USER, objectId, '/keys');
    const pool = new FullPool(mock, keys, `Bearer ${await mock.token(clientId, clientSecret)}`);
    let next = 0;
    const lane = async () => {
      while (next < keys) {
        next += 1;
        const body = JSON.stringify({ kty: 'EC-HSM', key_ops: ['sign', 'verify'], tags: tagsOf(madeBy, next) });
        await pool.#ask('POST', `/keys/${labelOf(next)}/create?${API}`, body);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return pool;
  }

  /** Reads the whole list as every client does: page after page, on a connection that is open. Gives the keys' number. */
  async bareList(): Promise<number> {
    let count = 0;
    let path: string | undefined = `/keys?${API}&maxresults=25`;
    while (path !== undefined) {
      const page = JSON.parse(await this.#ask('GET', path)) as { value: unknown[]; nextLink?: string };
      count += page.value.length;
      path = page.nextLink?.slice(this.mock.url.length);
    }
    return count;
  }

  async #ask(method: 'GET' | 'POST', path: string, body: string | null = null): Promise<string> {
    const headers = {
      authorization: this.#authorization,
      accept: 'application/json',
      'content-type': 'application/json',
    };
    const answer = await this.#http.request({ method, path, headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text;
  }

  async stop(): Promise<void> {
    await this.#http.close();
    await this.mock.stop();
  }
}
