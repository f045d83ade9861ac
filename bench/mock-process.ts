// mock-hsm as a program of its own: started by its command line, reached over HTTPS.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { cpuTimeUs } from './cpu-time.ts';

const program = join(import.meta.dirname, '..', 'mock-hsm', 'bin.ts');
const cryptoUser = '21dbd100-6940-42c2-9190-5d6cb909625b';
const apiVersion = 'api-version=7.4';

export interface MockProcess {
  readonly url: string;
  readonly caPem: string;
  readonly pid: number;
  /** From the start of the process to its line "ready". */
  readonly startMs: number;
  /** Processor time of that start; undefined where the system does not tell. */
  readonly startCpuMs: number | undefined;
  /** Ends it and waits until it is gone; the data folder stays. */
  stop(): Promise<void>;
}

/** A folder for a mock's data, below the system's one for temporary files; it goes when this process ends. */
export function newDataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mock-hsm-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Throws an error with the program's own words when it ends instead of serving. */
export async function startMock(folder: string, nodeFlags: readonly string[] = []): Promise<MockProcess> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...nodeFlags, program, '--data-dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // A bench that fails leaves no mock behind.
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  const url = await readyLine(child);
  const startMs = performance.now() - startedMs;
  const pid = child.pid ?? 0;
  const startCpuUs = cpuTimeUs(pid);
  const stop = async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
    process.off('exit', end);
  };
  return {
    url,
    caPem: readFileSync(join(folder, 'ca.pem'), 'utf8'),
    pid,
    startMs,
    startCpuMs: startCpuUs && startCpuUs / 1000,
    stop,
  };
}

async function readyLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the mock has no standard output');
  for await (const line of createInterface(child.stdout)) {
    const url = /^ready (https:\S+)$/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('mock-hsm ended before it was ready');
}

/** A caller of the mock who may use keys. */
export class MockCaller {
  readonly #mock: MockProcess;
  readonly #agent: Agent;
  readonly #token: string;

  private constructor(mock: MockProcess, agent: Agent, token: string) {
    this.#mock = mock;
    this.#agent = agent;
    this.#token = token;
  }

  /** Signs in as the mock's client principal, to which its administrator gives Managed HSM Crypto User. */
  static async signIn(mock: MockProcess, folder: string): Promise<MockCaller> {
    const agent = new Agent({ connect: { ca: mock.caPem }, connections: 1 });
    const variables = environmentOf(folder);
    const caller = async (prefix: string) => {
      const [id, secret] = [variables.get(`${prefix}_CLIENT_ID`), variables.get(`${prefix}_CLIENT_SECRET`)];
      const tokenUrl = `${mock.url}/${variables.get('MHSM_TENANT_ID')}/oauth2/v2.0/token`;
      return new MockCaller(mock, agent, await tokenOf(agent, tokenUrl, id ?? '', secret ?? ''));
    };
    const [admin, client] = [await caller('MHSM_ADMIN'), await caller('MHSM')];
    const roleDefinitionId = `Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/${cryptoUser}`;
    const body = { properties: { roleDefinitionId, principalId: variables.get('MHSM_CLIENT_OBJECT_ID') } };
    const path = `/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`;
    const answer = (await admin.call('PUT', path, body, [201, 400])) as { error?: { code: string; message: string } };
    // A folder that served before has given the role already.
    if (answer.error !== undefined && answer.error.code !== 'RoleAssignmentExists')
      throw new Error(answer.error.message);
    return client;
  }

  get authorization(): string {
    return `Bearer ${this.#token}`;
  }

  /** The JSON of the answer. Throws when its status is none of `expected`. */
  async call(method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, expected = [200]): Promise<unknown> {
    const url = path.startsWith('https:') ? path : `${this.#mock.url}${path}?${apiVersion}`;
    const response = await request(url, {
      dispatcher: this.#agent,
      method,
      headers: { authorization: this.authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    if (!expected.includes(response.statusCode)) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    return JSON.parse(text);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }
}

/** What the mock wrote for shells: `export NAME='value'`. */
function environmentOf(folder: string): Map<string, string> {
  const lines = readFileSync(join(folder, 'env'), 'utf8').matchAll(/^export (\w+)='(.*)'$/gm);
  return new Map([...lines].map(([, name = '', value = '']) => [name, value]));
}

async function tokenOf(dispatcher: Agent, url: string, id: string, secret: string): Promise<string> {
  const form = {
    grant_type: 'client_credentials',
    client_id: id,
    client_secret: secret,
    scope: 'https://managedhsm.azure.net/.default',
  };
  const body = new URLSearchParams(form).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await request(url, { dispatcher, method: 'POST', headers, body });
  const answer = (await response.body.json()) as { access_token?: string };
  if (answer.access_token === undefined) throw new Error(`no token from ${url}: ${response.statusCode}`);
  return answer.access_token;
}
