import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { noteSecret } from '../secret-watch/evidence.ts';
import { type Service, startService } from './process.ts';

const PROGRAM = join(import.meta.dirname, '../node_modules/.bin/mock-hsm');

export interface ServicePrincipal {
  clientId: string;
  clientSecret: string;
  /** What role assignments name. */
  objectId: string;
}

export interface LoggedRequest {
  sequence: number;
  operation: string;
  status: number;
  key?: string;
  algorithm?: string;
  clientId?: string;
  /** Number of the TLS connection that it came on. */
  connection: number;
}

function parseEnv(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/^export (\w+)='(.*)'$/gm)) {
    if (name !== undefined && value !== undefined) values.set(name, value);
  }
  return values;
}

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

/** A mock-hsm of its own process, and what an administrator does with it over REST. */
export class MockHsm {
  #service: Service;
  readonly #http: Agent;
  readonly #env: Map<string, string>;
  readonly dataDir: string;

  private constructor(service: Service, dataDir: string) {
    this.#service = service;
    this.dataDir = dataDir;
    this.#env = parseEnv(readFileSync(join(dataDir, 'env'), 'utf8'));
    for (const [name, value] of this.#env) if (name.endsWith('SECRET')) noteSecret(`${name} of mock-hsm`, value);
    this.#http = new Agent({ connect: { ca: readFileSync(this.caFile, 'utf8') } });
  }

  static async start(dataDir: string, args: readonly string[] = []): Promise<MockHsm> {
    const all = [
      '--port',
      '0',
      '--data-dir',
      dataDir,
      '--service-principal',
      'OFFLOAD',
      '--service-principal',
      'KEYGEN',
      ...args,
    ];
    const service = await startService(PROGRAM, all);
    return new MockHsm(service, dataDir);
  }

  get pid(): number | undefined {
    return this.#service.process.pid;
  }

  get caFile(): string {
    return join(this.dataDir, 'ca.pem');
  }

  env(name: string): string {
    const value = this.#env.get(name);
    if (value === undefined) throw new Error(`${join(this.dataDir, 'env')} has no ${name}`);
    return value;
  }

  get url(): string {
    return this.env('MHSM_URL');
  }

  #principal(prefix: string): ServicePrincipal {
    return {
      clientId: this.env(`${prefix}CLIENT_ID`),
      clientSecret: this.env(`${prefix}CLIENT_SECRET`),
      objectId: this.env(`${prefix}OBJECT_ID`),
    };
  }

  /** The TLS offload service principal: no role at first. */
  get offload(): ServicePrincipal {
    return this.#principal('MHSM_OFFLOAD_');
  }

  /** A service principal that never gets a role. */
  get stranger(): ServicePrincipal {
    const clientId = this.env('MHSM_CLIENT_ID');
    return { clientId, clientSecret: this.env('MHSM_CLIENT_SECRET'), objectId: this.env('MHSM_CLIENT_OBJECT_ID') };
  }

  /** The key generation service principal: no role at first. */
  get keyGeneration(): ServicePrincipal {
    return this.#principal('MHSM_KEYGEN_');
  }

  /** A request of the administrator; gives the JSON of the answer. Throws with the service's words when it refuses. */
  administrate(method: Method, path: string, body?: object): Promise<unknown> {
    const clientId = this.env('MHSM_ADMIN_CLIENT_ID');
    return this.requestAs({ clientId, clientSecret: this.env('MHSM_ADMIN_CLIENT_SECRET') }, method, path, body);
  }

  /** The same of a service principal, as az or an SDK makes it; with a new token, since tests revoke them and move the clock. */
  async requestAs(
    { clientId, clientSecret }: Pick<ServicePrincipal, 'clientId' | 'clientSecret'>,
    method: Method,
    path: string,
    body?: object,
  ): Promise<unknown> {
    const token = await this.token(clientId, clientSecret);
    return this.#json(method, `${path}?api-version=7.4`, body && JSON.stringify(body), {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
    });
  }

  async token(clientId: string, clientSecret: string): Promise<string> {
    const scope = 'https://managedhsm.azure.net/.default';
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope };
    const path = `/${this.env('MHSM_TENANT_ID')}/oauth2/v2.0/token`;
    const answer = (await this.#json('POST', path, new URLSearchParams(form).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
    })) as { access_token: string };
    noteSecret(`a token of client ${clientId}`, answer.access_token);
    return answer.access_token;
  }

  async #json(method: Method, path: string, body?: string, headers: Record<string, string> = {}): Promise<unknown> {
    const url = `${this.url}${path}`;
    const answer = await request(url, { method, headers, body: body ?? null, dispatcher: this.#http });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text;
  }

  /** Creates the custom role of the granular approach and gives its id. */
  async createReadRole(): Promise<string> {
    const name = randomUUID();
    const definition = (await this.administrate('PUT', `/providers/Microsoft.Authorization/roleDefinitions/${name}`, {
      properties: {
        roleName: 'TLS Library User Read Role',
        description: 'Grant Read access to keys',
        permissions: [
          {
            actions: [],
            notActions: [],
            dataActions: ['Microsoft.KeyVault/managedHsm/keys/read/action'],
            notDataActions: [],
          },
        ],
      },
    })) as { id: string };
    return definition.id;
  }

  /** Assigns a role at a scope (`/keys`, `/keys/{name}`) and gives the assignment's name. */
  async assignRole(roleDefinitionId: string, principalId: string, scope: string): Promise<string> {
    const name = randomUUID();
    await this.administrate('PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`, {
      properties: { roleDefinitionId, principalId },
    });
    return name;
  }

  async removeAssignment(scope: string, name: string): Promise<void> {
    await this.administrate('DELETE', `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`);
  }

  /** The mock's own request log, from after a sequence number on. */
  async requests(after = 0): Promise<LoggedRequest[]> {
    return (await this.#json('GET', `/mock/requests?after=${after}`)) as LoggedRequest[];
  }

  /** The highest sequence number so far. */
  async sequence(): Promise<number> {
    return (await this.requests()).at(-1)?.sequence ?? 0;
  }

  /** One value of the mock's Prometheus counters; 0 while it has none. */
  async metric(name: string): Promise<number> {
    const text = String(await this.#json('GET', '/mock/metrics'));
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  /** A request to the mock's own routes: faults, outages, tokens, the clock. */
  control(method: Method, path: string, body?: object): Promise<unknown> {
    return this.#json(method, `/mock/${path}`, body && JSON.stringify(body), { 'content-type': 'application/json' });
  }

  /** A new secret of a principal, beside those it has. */
  async addSecret(principal: string): Promise<string> {
    const secret = randomBytes(24).toString('base64url');
    noteSecret(`a new secret of ${principal}`, secret);
    await this.control('POST', 'seed', { servicePrincipals: [{ name: principal, secrets: [secret] }] });
    return secret;
  }

  /** A request of the key generation principal about a key: a change of its attributes, a new version. */
  asKeyGeneration(method: 'PATCH' | 'POST', path: string, body: object): Promise<unknown> {
    return this.requestAs(this.keyGeneration, method, path, body);
  }

  /** Ends it with this signal; nobody listens until `startAgain`. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#service.process.kill(signal);
    await this.#service.stop();
  }

  /** On the same data folder and port; what was given at the first start besides is not repeated. */
  async startAgain(args: readonly string[] = []): Promise<void> {
    const { port } = new URL(this.url);
    this.#service = await startService(PROGRAM, ['--port', port, '--data-dir', this.dataDir, ...args]);
  }

  async stop(): Promise<void> {
    await this.#http.close();
    await this.#service.stop();
  }
}

export const CRYPTO_USER =
  'Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b';
