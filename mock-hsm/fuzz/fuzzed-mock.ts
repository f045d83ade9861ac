// The mock under fuzz: what it begins with, one request to it, and whether it is still well.

import { type Dispatcher, Pool } from 'undici';
import { assemble } from '../assemble.ts';
import type { ListBody } from '../contract/answer-body.ts';
import type { Answer } from '../contract/pool-connection.ts';
import { credentialsForm, PoolConnection } from '../contract/pool-connection.ts';
import type { MethodTable } from '../http/refusals.ts';
import { createMachineServer } from '../identity/machine-server.ts';
import { builtInRoles } from '../rbac/builtin-roles.ts';
import { createApp } from '../server.ts';
import { makeServerCertificate } from '../tls/certificate-authority.ts';
import type { FuzzRequest, RouteRow } from './requests.ts';

/** All routes of both servers, read from their apps so that none is forgotten. */
export async function everyRoute(): Promise<RouteRow[]> {
  const { service, authority, identityHeader, close } = await assemble({});
  const app = createApp(service, await makeServerCertificate(authority, ['localhost'], new Date()));
  const machineApp = createMachineServer(service, identityHeader);
  await Promise.all([app.ready(), machineApp.ready()]);
  const rowsOf = ({ rows }: MethodTable, server: RouteRow['server']) =>
    rows.flatMap(({ url, methods }) => methods.map((method) => ({ method, url, server })));
  const rows = [...rowsOf(app.methodTable, 'pool'), ...rowsOf(machineApp.methodTable, 'machine')];
  await Promise.all([app.close(), machineApp.close()]);
  await close();
  return rows;
}

/** Text of Node or of a library that a caller has no business to see. */
const leak = /\n\s+at \S|node:internal|node_modules|\.ts:\d|TypeError|RangeError|ZodError|SQLITE_|ENOENT/;

const kinds = {
  ec: { kty: 'EC-HSM' },
  rsa: { kty: 'RSA-HSM' },
  oct: { kty: 'oct-HSM', key_size: 256 },
  witness: { kty: 'EC-HSM' },
};

/** What tokens are for, by route; for the pool where nothing is said. */
const audiences: readonly (readonly [RegExp, string])[] = [
  [/ \/(v1\.0|beta)\//, 'https://graph.microsoft.com'],
  [/ \/(subscriptions|tenants|providers\/Microsoft\.KeyVault)/i, 'https://management.azure.com'],
];

export class FuzzedMock {
  readonly pool: PoolConnection;
  readonly #latency: string;
  readonly #servers: Readonly<Record<RouteRow['server'], Pool>>;
  readonly #tokens = new Map<string, Promise<string>>();

  private constructor(pool: PoolConnection, latency: string) {
    this.pool = pool;
    this.#latency = latency;
    // The certificate is not for the odd hosts that requests name.
    const connect = { ca: pool.hsm.caPem, checkServerIdentity: () => undefined };
    this.#servers = {
      pool: new Pool(pool.hsm.url, { connect, connections: 1, pipelining: 1 }),
      machine: new Pool(pool.hsm.imdsUrl ?? '', { connections: 1, pipelining: 1 }),
    };
  }

  /** With a client that may do everything, and keys of each kind. @param latency of every answer, as the option */
  static async start(dataDir: string, latency = '0ms'): Promise<FuzzedMock> {
    const pool = await PoolConnection.open({ dataDir, imdsPort: 0, latency });
    for (const { name } of builtInRoles) await pool.assign(name, '/');
    const mock = new FuzzedMock(pool, latency);
    await mock.tend();
    await pool.call('POST', '/keys/gone/create', { body: kinds.ec });
    await pool.call('DELETE', '/keys/gone');
    return mock;
  }

  /** Again on what an earlier one has left. */
  static async reopen(dataDir: string): Promise<FuzzedMock> {
    return new FuzzedMock(await PoolConnection.open({ dataDir, imdsPort: 0 }), '0ms');
  }

  /** Sends it. @returns what is wrong with the answer, if anything is */
  async judge(request: FuzzRequest): Promise<string | undefined> {
    const { method, path, body } = request;
    let answer: Dispatcher.ResponseData;
    let text: string;
    try {
      const headers = { ...request.headers, ...(await this.#authorization(request)) };
      answer = await this.#servers[request.server].request({
        method: method as 'GET',
        path,
        headers,
        body: body ?? null,
      });
      text = await answer.body.text();
    } catch (error) {
      // A body that is refused for its size may meet a closed connection.
      if ((body?.length ?? 0) > 200_000) return undefined;
      return `no answer: ${String(error)}`;
    }
    if (/^\/+mock\//i.test(path) && method !== 'GET') await this.#reset();
    if (answer.statusCode >= 500) return `status ${answer.statusCode}: ${text.slice(0, 300)}`;
    const json = String(answer.headers['content-type']).includes('json');
    // The page's own sources may name what they like.
    if ((json || answer.statusCode >= 400) && leak.test(text)) return `it tells of the inside: ${text.slice(0, 300)}`;
    if (json && text !== '' && text !== 'OK' && !isJson(text)) return `the answer is no JSON: ${text.slice(0, 100)}`;
    return undefined;
  }

  /** Makes anew the keys that requests have deleted, so that the next ones find something. */
  async tend(): Promise<void> {
    for (const [name, body] of Object.entries(kinds)) {
      if ((await this.pool.call('GET', `/keys/${name}`)).status === 200) continue;
      await this.pool.call('POST', `/deletedkeys/${name}/recover`);
      await this.pool.call('POST', `/keys/${name}/create`, { body });
    }
  }

  /** Throws unless it signs. */
  async assertSigns(): Promise<void> {
    const body = { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') };
    const answer = await this.pool.call('POST', '/keys/witness/sign', { body });
    if (answer.status !== 200) throw new Error(`it signs no more: ${JSON.stringify(answer.body)}`);
  }

  /** Everything that the data plane shows: all pages of all lists. */
  async everything(): Promise<unknown> {
    const roles = '/providers/Microsoft.Authorization';
    const lists = ['/keys', '/deletedkeys', `${roles}/roleDefinitions`, `${roles}/roleAssignments`];
    return Promise.all(lists.map((path) => this.#whole(`${path}?api-version=7.4`)));
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#servers).map((server) => server.close()));
    await this.pool.close();
  }

  async #whole(first: string): Promise<unknown[]> {
    const items: unknown[] = [];
    let next: string | undefined = first;
    while (next !== undefined) {
      const { status, body }: Answer<ListBody> = await this.pool.call('GET', next);
      if (status !== 200) throw new Error(`GET ${next}: ${JSON.stringify(body)}`);
      items.push(...body.value);
      next = body.nextLink?.slice(this.pool.hsm.url.length);
    }
    // The port is another one after a restart, and roles have no order.
    return items.map((item) => JSON.stringify(item).replaceAll(this.pool.hsm.url, '')).sort();
  }

  async #authorization({ caller, path, route }: FuzzRequest): Promise<Record<string, string>> {
    if (caller === 'nobody') return {};
    if (caller === 'odd') return { authorization: `Bearer ${'e30.'.repeat(path.length % 5)}` };
    const audience = audiences.find(([pattern]) => pattern.test(route))?.[1] ?? 'https://managedhsm.azure.net';
    const token = this.#tokens.get(audience) ?? this.#askToken(audience);
    this.#tokens.set(audience, token);
    return { authorization: `Bearer ${await token}` };
  }

  async #askToken(audience: string): Promise<string> {
    const { clientId, clientSecret } = this.pool.hsm.client;
    const form = { ...credentialsForm(clientId, clientSecret), scope: `${audience}/.default` };
    return String((await this.pool.askToken(form)).body.access_token);
  }

  /** Takes back the faults, clock and speed that a request has asked for. */
  async #reset(): Promise<void> {
    const own = (method: string, path: string, body?: unknown) => this.pool.call(method, path, { token: null, body });
    await own('DELETE', '/mock/faults');
    await own('DELETE', '/mock/clock');
    await own('POST', '/mock/activation', { activated: true });
    await own('POST', '/mock/connections', { idleTimeoutMs: 600_000, maxRequests: 0 });
    await own('PUT', '/mock/profile', { profile: 'none', latency: this.#latency });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
