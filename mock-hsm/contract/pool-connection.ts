// A connection to a pool for contract tests: raw REST with a token, so that a test says what goes over the wire.
//
// The pool is a mock of the test file's own, or the one that `npm run contract -- --against https://…` names. So that
// every test can be aimed at either:
// - What only the mock can give is declared: `test(name, { tags: ['clock'] }, …)`, or `// @module-tag clock` above a file.
//   The tags are in needs.ts. Options of `open` mean nothing to a real pool, so what relies on them has a tag.
// - All requests go through the connection. It gives key names a prefix of the run, refuses what would change a key, a
//   role or a setting that the run did not make, and `close` removes what is left.
// - The client principal has no role until the test assigns one; the pool holds keys that the test does not know of.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import { type MockHsm, type MockHsmOptions, type ServicePrincipal, startMockHsm } from '../start.ts';
import type { AnswerBody, TokenBody } from './answer-body.ts';
import { against } from './needs.ts';
import { RealPool } from './real-pool.ts';

export { role } from './built-in-role.ts';

/** What a test may know of any pool. */
export type KnownPool = Pick<
  MockHsm,
  'url' | 'caPem' | 'tenantId' | 'admin' | 'client' | 'principals' | 'close' | 'imdsUrl'
>;

/** @typeParam Body what the test expects in the answer to its request */
export interface Answer<Body = AnswerBody> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON, or the text when it is none. */
  readonly body: Body;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Left out when null. */
  readonly token?: string | null;
}

export class PoolConnection {
  readonly hsm: KnownPool;
  readonly #agent: Agent;
  readonly #real: RealPool | undefined;
  readonly #tokens = new Map<string, string>();

  constructor(hsm: KnownPool, real?: RealPool) {
    this.hsm = hsm;
    this.#real = real;
    this.#agent = new Agent(hsm.caPem === '' ? {} : { connect: { ca: hsm.caPem } });
  }

  /** Starts a mock with these options, or signs in to the pool that the run is aimed at. */
  static async open(options: MockHsmOptions = {}): Promise<PoolConnection> {
    if (against === undefined) return new PoolConnection(await startMockHsm(options));
    const real = await RealPool.signIn(against);
    const pool = new PoolConnection(real.hsm, real);
    await real.assertClientHasNoRole(pool);
    return pool;
  }

  /** A call as the client principal; `api-version` is added when the path has no query. */
  async call<Body = AnswerBody>(method: string, path: string, options: CallOptions = {}): Promise<Answer<Body>> {
    const whole = path.includes('?') ? path : `${path}?api-version=7.4`;
    if (this.#real === undefined) return this.#send<Body>(method, whole, options);
    const answer = await this.#send<Body>(method, await this.#real.outgoing(method, whole, this), options);
    await this.#real.noted(method, whole, answer);
    return answer;
  }

  async #send<Body>(method: string, path: string, options: CallOptions): Promise<Answer<Body>> {
    const token = options.token === undefined ? await this.token(this.hsm.client) : options.token;
    const { body } = options;
    const response = await request(`${this.hsm.url}${path}`, {
      dispatcher: this.#agent,
      method: method as 'GET',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const raw = await response.body.text();
    const text = this.#real?.incoming(raw) ?? raw;
    return { status: response.statusCode, headers: response.headers, body: parsed<Body>(text) };
  }

  async asAdmin<Body = AnswerBody>(method: string, path: string, body?: unknown): Promise<Answer<Body>> {
    return this.call<Body>(method, path, { token: await this.token(this.hsm.admin), body });
  }

  async askToken(form: Record<string, string>, path = 'oauth2/v2.0/token'): Promise<Answer<TokenBody>> {
    return this.call<TokenBody>('POST', `/${this.hsm.tenantId}/${path}`, {
      token: null,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
  }

  /** @param scope of another resource than the pool, `https://…/.default` */
  async token({ name, clientId, clientSecret }: ServicePrincipal, scope = poolScope): Promise<string> {
    if (this.#real !== undefined) return this.#real.token(name, scope === poolScope ? undefined : scope);
    const id = `${clientId} ${scope}`;
    const known = this.#tokens.get(id);
    if (known !== undefined) return known;
    const form = { ...credentialsForm(clientId, clientSecret), scope };
    const token = (await this.askToken(form)).body.access_token;
    this.#tokens.set(id, token);
    return token;
  }

  /** Assigns a role to the client principal, or to another. */
  async assign(roleGuid: string, scope: string, principalId = this.hsm.client.objectId): Promise<Answer> {
    const prefix = scope === '/' ? '' : scope;
    const path = `${prefix}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`;
    const roleDefinitionId = `Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/${roleGuid}`;
    return this.asAdmin('PUT', path, { properties: { roleDefinitionId, principalId } });
  }

  /** Ends the connection, and the mock with it; removes from a real pool what the tests made. */
  async close(): Promise<void> {
    await this.#real?.cleanUp(this);
    await this.#agent.close();
    await this.hsm.close();
  }
}

const poolScope = 'https://managedhsm.azure.net/.default';

export const credentialsForm = (clientId: string, clientSecret: string) => ({
  grant_type: 'client_credentials',
  client_id: clientId,
  client_secret: clientSecret,
  scope: poolScope,
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Of which members are there the tests decide, who compare them. */
function parsed<Body>(text: string): Body {
  return JSON.parse(isJson(text) ? text : JSON.stringify(text));
}
