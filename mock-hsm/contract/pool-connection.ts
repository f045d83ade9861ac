// A connection to a running mock for contract tests: raw REST with a token, so that a test says what goes over the wire.
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import { type MockHsm, type MockHsmOptions, type ServicePrincipal, startMockHsm } from '../start.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON, or the text when it is none. Tests look into it by path. */
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the tests are about
  readonly body: any;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Left out when null. */
  readonly token?: string | null;
}

export class PoolConnection {
  readonly hsm: MockHsm;
  readonly #agent: Agent;
  readonly #tokens = new Map<string, string>();

  constructor(hsm: MockHsm) {
    this.hsm = hsm;
    this.#agent = new Agent({ connect: { ca: hsm.caPem } });
  }

  static async open(options: MockHsmOptions = {}): Promise<PoolConnection> {
    return new PoolConnection(await startMockHsm(options));
  }

  /** A call as the client principal; `api-version` is added when the path has no query. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const token = options.token === undefined ? await this.token(this.hsm.client) : options.token;
    const { body } = options;
    const response = await request(`${this.hsm.url}${path.includes('?') ? path : `${path}?api-version=7.4`}`, {
      dispatcher: this.#agent,
      method: method as 'GET',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, body: parsed(text) };
  }

  async asAdmin(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.call(method, path, { token: await this.token(this.hsm.admin), body });
  }

  async askToken(form: Record<string, string>, path = 'oauth2/v2.0/token'): Promise<Answer> {
    return this.call('POST', `/${this.hsm.tenantId}/${path}`, {
      token: null,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
  }

  async token({ clientId, clientSecret }: ServicePrincipal): Promise<string> {
    const known = this.#tokens.get(clientId);
    if (known !== undefined) return known;
    const form = credentialsForm(clientId, clientSecret);
    const token = String((await this.askToken(form)).body.access_token);
    this.#tokens.set(clientId, token);
    return token;
  }

  /** Assigns a role to the client principal, or to another. */
  async assign(roleGuid: string, scope: string, principalId = this.hsm.client.objectId): Promise<Answer> {
    const prefix = scope === '/' ? '' : scope;
    const path = `${prefix}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`;
    const roleDefinitionId = `Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/${roleGuid}`;
    return this.asAdmin('PUT', path, { properties: { roleDefinitionId, principalId } });
  }

  async close(): Promise<void> {
    await this.#agent.close();
    await this.hsm.close();
  }
}

export const role = {
  administrator: 'a290e904-7015-4bba-90c8-60543313cdb4',
  cryptoOfficer: '515eb02d-2335-4d2d-92f2-b1cbdf9c3778',
  cryptoUser: '21dbd100-6940-42c2-9190-5d6cb909625b',
} as const;

export const credentialsForm = (clientId: string, clientSecret: string) => ({
  grant_type: 'client_credentials',
  client_id: clientId,
  client_secret: clientSecret,
  scope: 'https://managedhsm.azure.net/.default',
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
