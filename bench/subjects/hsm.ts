/** The HSM that a run measures against. */
import { readFileSync } from 'node:fs';
import { CRYPTO_USER, type LoggedRequest, MockHsm } from '../../demo/mock.ts';
import { speedName } from '../plan/points.ts';
import type { HsmSpeed, KeyType, Point } from '../result.ts';
import { importedKey, type KeyFiles, makeKeyFiles, SIGNATURES } from './key-files.ts';
import type { Subject } from './subject.ts';

/** A sign request as any REST client sends it. */
export interface BareRequest {
  readonly origin: string;
  /** PEM of the authorities that a client trusts. */
  readonly caPem: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** TLS connections opened so far, used or not; those that only signed in are left out. */
export type ConnectionCount = () => Promise<number>;

export interface BenchHsm {
  readonly kind: 'mock-hsm' | 'real';
  /** Of the process, where it runs on this machine. */
  readonly pid: number | undefined;
  /** What `tokens[]` of the library's configuration holds for it, `slotid` and `resourceName` excepted. */
  readonly token: object;
  /** Further sections of that configuration, by their names. */
  readonly sections: object;
  /** `client-id:client-secret` of the one who signs; empty where the configuration says who that is. */
  readonly pin: string;
  /** A key of this type in the HSM, with a certificate. @param folder for files of it */
  key(keyType: KeyType, folder: string): Promise<KeyFiles>;
  setSpeed(speed: HsmSpeed): Promise<void>;
  /** Signatures made so far; undefined where the HSM does not tell. */
  signs(): Promise<number | undefined>;
  /** Seconds that it spent on all of them, waiting and latency included; absent where the HSM does not tell. */
  signSeconds?(): Promise<number>;
  /**
   * From now on; absent where the HSM does not tell. It forgets old requests: who counts long asks once when a program has
   * signed in, and again at the end.
   */
  countConnections?(): Promise<ConnectionCount>;
  bareRequest(key: KeyFiles): Promise<BareRequest>;
  /** What watches over the load that a subject makes, where somebody pays for it. */
  metered(subject: Subject, point: Point): Subject;
  stop(): Promise<void>;
}

/** A real HSM is not who signs in its users: mock-hsm is both. */
const SIGN_IN = ['token', 'discovery'];

type Logged = Pick<LoggedRequest, 'connection' | 'operation'>;

/** Connections on which nothing but signing in was asked for, over a log that is read piece by piece. */
export class SignIns {
  readonly #signedIn = new Set<number>();
  readonly #toHsm = new Set<number>();

  read(log: readonly Logged[]): void {
    for (const { connection, operation } of log) {
      (SIGN_IN.includes(operation) ? this.#signedIn : this.#toHsm).add(connection);
    }
  }

  get count(): number {
    return [...this.#signedIn].filter((connection) => !this.#toHsm.has(connection)).length;
  }
}

/** mock-hsm as a process of its own. */
export class MockBenchHsm implements BenchHsm {
  readonly kind = 'mock-hsm';
  readonly #mock: MockHsm;

  private constructor(mock: MockHsm) {
    this.#mock = mock;
  }

  /** @param folder for its data; nobody else's */
  static async start(folder: string): Promise<MockBenchHsm> {
    const mock = await MockHsm.start(folder);
    await mock.assignRole(CRYPTO_USER, mock.offload.objectId, '/keys');
    return new MockBenchHsm(mock);
  }

  get pid(): number | undefined {
    return this.#mock.pid;
  }

  get token(): object {
    const mock = this.#mock;
    const authority = { tenantId: mock.env('MHSM_TENANT_ID'), authorityHost: mock.env('MHSM_AUTHORITY_HOST') };
    return { baseUrl: mock.url, caFile: mock.caFile, ...authority };
  }

  get pin(): string {
    const { clientId, clientSecret } = this.#mock.offload;
    return `${clientId}:${clientSecret}`;
  }

  get sections(): object {
    return {};
  }

  async key(keyType: KeyType, folder: string): Promise<KeyFiles> {
    const key = await makeKeyFiles(folder, keyType);
    await this.#mock.requestAs(this.#mock.offload, 'PUT', `/keys/${key.label}`, importedKey(key));
    return key;
  }

  metered(subject: Subject): Subject {
    return subject;
  }

  async setSpeed(speed: HsmSpeed): Promise<void> {
    if (speed === 'real') throw new Error('mock-hsm has no speed "real"; it takes a latency or standard-b1');
    const profile = speed === 'standard-b1' ? { profile: speed } : { latency: speedName(speed) };
    await this.#mock.control('PUT', 'profile', profile);
  }

  signs(): Promise<number> {
    return this.#sumOf(/^mock_hsm_signs_total\{[^}]*\} (\S+)$/gm);
  }

  signSeconds(): Promise<number> {
    return this.#sumOf(/^mock_hsm_request_duration_seconds_sum\{operation="sign"\} (\S+)$/gm);
  }

  async #sumOf(samples: RegExp): Promise<number> {
    const metrics = String(await this.#mock.control('GET', 'metrics'));
    return [...metrics.matchAll(samples)].reduce((sum, [, value]) => sum + Number(value), 0);
  }

  /** By its own counter, for a connection that carries nothing stands in no log. */
  async countConnections(): Promise<ConnectionCount> {
    const opened = () => this.#mock.metric('mock_hsm_tls_connections_opened_total');
    const before = await opened();
    const signIns = new SignIns();
    let sequence = await this.#mock.sequence();
    return async () => {
      const log = await this.#mock.requests(sequence);
      sequence = log.at(-1)?.sequence ?? sequence;
      signIns.read(log.filter(({ connection }) => connection > before));
      return (await opened()) - before - signIns.count;
    };
  }

  async bareRequest({ label, keyType }: KeyFiles): Promise<BareRequest> {
    const { clientId, clientSecret } = this.#mock.offload;
    const { algorithm, digestBytes } = SIGNATURES[keyType];
    return {
      origin: this.#mock.url,
      caPem: readFileSync(this.#mock.caFile, 'utf8'),
      path: `/keys/${label}/sign?api-version=7.4`,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await this.#mock.token(clientId, clientSecret)}`,
      },
      body: JSON.stringify({ alg: algorithm, value: Buffer.alloc(digestBytes, 7).toString('base64url') }),
    };
  }

  async stop(): Promise<void> {
    await this.#mock.stop();
  }
}
