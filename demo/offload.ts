import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepLogs, searchedFolder } from '../secret-watch/evidence.ts';
import { CRYPTO_USER, MockHsm } from './mock.ts';
import { freePort, Nginx, type NginxSetting, selfSign } from './nginx.ts';
import { mustRun, waitFor } from './process.ts';

export const BIN = join(import.meta.dirname, '../node_modules/.bin');
export const RSA_LABEL = 'tlsRsa';
export const EC_LABEL = 'tlsEc';
export const SERVER_NAME = 'www.example.com';

export interface CreatedKey {
  name: string;
  id: string;
  /** What the tool printed. */
  output: string;
}

/** A key that nginx serves with. */
export interface ServedKey {
  readonly key: CreatedKey;
  /** Name of the assignment that lets the server's principal sign with it. */
  readonly assignment: string;
}

/** Values that go into the configuration over what fits the mock; for tests of wrong ones. */
export interface ConfigurationChanges {
  token?: Record<string, unknown>;
  top?: Record<string, unknown>;
}

/** In a test run everything is logged, into the folder where the run is searched for its secrets. */
function logOfWatchedRun(): object {
  const directory = searchedFolder();
  if (directory === undefined) return {};
  const module = { P11Interfaces: true, FunctionLevelTrace: true, curl: { Level: 'Verbose', DisplayAsHex: false } };
  return { log: { directory, module, flags: { SendToFile: true, IncludeProcessId: true, IncludeThreadId: true } } };
}

/** A mock-hsm with its two principals, the library's configuration for it, and what operators do with both. */
export class Offload {
  readonly folder: string;
  readonly mock: MockHsm;
  readonly configurationFile: string;
  readonly #served = new Map<string, ServedKey>();
  #readRole: string | undefined;

  private constructor(folder: string, mock: MockHsm) {
    this.folder = folder;
    this.mock = mock;
    this.configurationFile = join(folder, 'mhsm-pkcs11.conf');
  }

  /** Starts mock-hsm in `folder`, which must be private, and writes the configuration. */
  static async start(folder: string, changes: ConfigurationChanges = {}): Promise<Offload> {
    mkdirSync(join(folder, 'mock'), { recursive: true });
    const offload = new Offload(folder, await MockHsm.start(join(folder, 'mock')));
    offload.writeConfiguration(changes);
    return offload;
  }

  writeConfiguration({ token = {}, top = {} }: ConfigurationChanges = {}): void {
    const { mock } = this;
    const mhsm = {
      slotid: 0,
      resourceName: 'demo',
      baseUrl: mock.url,
      caFile: mock.caFile,
      tenantId: mock.env('MHSM_TENANT_ID'),
      authorityHost: mock.env('MHSM_AUTHORITY_HOST'),
      ...token,
    };
    const configuration = { tokens: [mhsm], agent: { idleExitSeconds: 1 }, ...logOfWatchedRun(), ...top };
    writeFileSync(this.configurationFile, JSON.stringify(configuration, null, 2));
  }

  get pin(): string {
    return `${this.mock.offload.clientId}:${this.mock.offload.clientSecret}`;
  }

  /** The environment of the tools for the key generation service principal. */
  get toolEnvironment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env.PATH,
      MHSM_PKCS11_CONF: this.configurationFile,
      MHSM_CLIENT_ID: this.mock.keyGeneration.clientId,
      MHSM_CLIENT_SECRET: this.mock.keyGeneration.clientSecret,
    };
  }

  /** Roles of the granular approach that do not name a key, once: reading for the server, everything for key generation. */
  async grantReading(): Promise<void> {
    if (this.#readRole !== undefined) return;
    this.#readRole = await this.mock.createReadRole();
    await this.mock.assignRole(this.#readRole, this.mock.offload.objectId, '/keys');
    await this.mock.assignRole(CRYPTO_USER, this.mock.keyGeneration.objectId, '/keys');
  }

  /** Crypto User at `/keys/{name}` for the server; gives the assignment's name. */
  async grantUse(key: CreatedKey): Promise<string> {
    return this.mock.assignRole(CRYPTO_USER, this.mock.offload.objectId, `/keys/${key.name}`);
  }

  async createKey(...args: string[]): Promise<CreatedKey> {
    const { stdout } = await mustRun(join(BIN, 'mhsm_p11_create_key'), args, { env: this.toolEnvironment });
    const name = /^Key Name: (\S+)$/m.exec(stdout)?.[1];
    const id = /^Managed HSM Key ID: (\S+)$/m.exec(stdout)?.[1];
    if (name === undefined || id === undefined) throw new Error(`mhsm_p11_create_key printed no key:\n${stdout}`);
    return { name, id, output: stdout };
  }

  /** nginx for the two keys, with its files in `folder/nginx`; not started yet. */
  async nginx({
    rsaLabel = RSA_LABEL,
    ecLabel = EC_LABEL,
    pin = this.pin,
    startedBy = [],
  }: Partial<Pick<NginxSetting, 'rsaLabel' | 'ecLabel' | 'pin' | 'startedBy'>> = {}): Promise<Nginx> {
    return new Nginx({
      startedBy,
      folder: join(this.folder, 'nginx'),
      port: await freePort(),
      token: 'demo',
      pin,
      rsaLabel,
      ecLabel,
      configurationFile: this.configurationFile,
    });
  }

  /** Keys, roles, certificates and a running nginx: everything up to the first handshake. `startedBy`: words before its command. */
  async serve(startedBy: readonly string[] = []): Promise<Nginx> {
    await this.grantReading();
    await this.#createServed(RSA_LABEL, '--RSA', '2K');
    await this.#createServed(EC_LABEL, '--EC', 'P-256');
    const nginx = await this.nginx({ startedBy });
    await selfSign(nginx, 'RSA', SERVER_NAME);
    await selfSign(nginx, 'EC', SERVER_NAME);
    // Or nginx would find the launcher that openssl started, outside of what it is started by.
    if (startedBy.length > 0) await this.untilIdle();
    await nginx.start();
    return nginx;
  }

  async #createServed(label: string, ...kind: readonly string[]): Promise<void> {
    const key = await this.createKey(...kind, '--label', label);
    this.#served.set(label, { key, assignment: await this.grantUse(key) });
  }

  /** The key of this label that `serve` made. */
  servedKey(label: string): ServedKey {
    const served = this.#served.get(label);
    if (served === undefined) throw new Error(`nothing is served with ${label}: call serve first`);
    return served;
  }

  /** Process ids of the agents and launchers of this configuration. */
  async agents(program: 'agent' | 'launcher' = 'agent'): Promise<number[]> {
    const { stdout } = await mustRun('ps', ['-eo', 'pid=,args=']);
    const pattern = program === 'agent' ? /dist\/agent\.cjs/ : /mhsm-pkcs11-launcher/;
    return stdout
      .split('\n')
      .filter((line) => pattern.test(line) && line.includes(this.configurationFile))
      .map((line) => Number(/\d+/.exec(line)?.[0]));
  }

  /** Resolves when agent and launcher have ended for want of callers; the next caller starts others. */
  async untilIdle(): Promise<void> {
    await waitFor('the end of the idle agent', async () => {
      const left = [...(await this.agents('agent')), ...(await this.agents('launcher'))];
      return left.length === 0 ? true : undefined;
    });
  }

  /** Waits until the embedded agent has ended by itself, and stops the mock. */
  async stop(): Promise<void> {
    try {
      await this.untilIdle();
    } finally {
      keepLogs(this.folder);
      await this.mock.stop();
    }
  }
}
