/** A slow HSM with the library before it, and everybody who asks too much of it. */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../bench/child.ts';
import type { LoadResult } from '../bench/sign-load.ts';
import type { Nginx } from '../demo/nginx.ts';
import { BIN, type CreatedKey, Offload, SERVER_NAME } from '../demo/offload.ts';
import { mustRun, waitFor } from '../demo/process.ts';
import { HandshakeLoad } from './handshake-load.ts';
import { type AgentFigures, figuresOf, type LoggedLine } from './overload-figures.ts';
import { buildSigner, SigningProcess } from './signing-process.ts';

export interface Plan {
  /** Signatures a second that the HSM makes. */
  readonly capacity: number;
  /** `timeouts.requestMs`. */
  readonly deadlineMs: number;
  readonly workers: number;
  readonly processes: number;
  readonly threads: number;
  /** Of each measurement. */
  readonly runMs: number;
}

export interface Handshakes {
  readonly perSecond: number;
  readonly failed: number;
  /** What clients said of those, and the server of the first one. */
  readonly reasons: readonly string[];
}

/** What the configuration has by default: twice what a partition works on at a time, so that it never waits for the next one. */
export const MAX_CONNECTIONS = 20;
const SAMPLE_MS = 1000;
const LABEL = 'overloaded';

export class OverloadSite {
  readonly plan: Plan;
  readonly #folder: string;
  readonly #offload: Offload;
  readonly #key: CreatedKey;
  readonly #bare = new Child('./sign-load.ts');

  private constructor(plan: Plan, folder: string, offload: Offload, key: CreatedKey) {
    this.plan = plan;
    this.#folder = folder;
    this.#offload = offload;
    this.#key = key;
  }

  static async start(plan: Plan): Promise<OverloadSite> {
    buildSigner();
    const folder = mkdtempSync(join(tmpdir(), 'mhsm-overload-'));
    const top = {
      log: { directory: join(folder, 'log'), flags: { SendToFile: true } },
      timeouts: { requestMs: plan.deadlineMs },
      ConnectionCache: { MaxConnections: MAX_CONNECTIONS },
      agent: { idleExitSeconds: 60 },
    };
    const offload = await Offload.start(folder, { top });
    await offload.grantReading();
    const key = await offload.createKey('--EC', 'P-256', '--label', LABEL);
    await offload.grantUse(key);
    const site = new OverloadSite(plan, folder, offload, key);
    await site.#slowDown();
    return site;
  }

  async #slowDown(): Promise<void> {
    const capacity = { 'sign:P-256': this.plan.capacity };
    await this.#offload.mock.control('PUT', 'profile', { partitions: 1, capacity });
  }

  /** What a REST client without the library gets out of the HSM by the same number of connections. */
  async bare(): Promise<LoadResult> {
    const { mock } = this.#offload;
    const { clientId, clientSecret } = mock.offload;
    return this.#bare.ask<LoadResult>({
      origin: mock.url,
      caPem: readFileSync(mock.caFile, 'utf8'),
      connections: MAX_CONNECTIONS,
      path: `/keys/${this.#key.name}/sign?api-version=7.4`,
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await mock.token(clientId, clientSecret)}`,
      },
      body: JSON.stringify({ alg: 'ES256', value: Buffer.alloc(32, 7).toString('base64url') }),
      durationMs: this.plan.runMs,
    });
  }

  /** Handshakes that nginx makes of three times what the HSM can sign. */
  async handshakes(): Promise<Handshakes> {
    const nginx = await this.#offload.serve();
    try {
      await this.#withWorkers(nginx, this.plan.workers);
      const certificateFile = nginx.certificateFile('EC');
      const patienceMs = 3 * this.plan.deadlineMs;
      const options = { port: nginx.setting.port, certificateFile, servername: SERVER_NAME, patienceMs };
      const seen = await this.#load(new HandshakeLoad(options, 3 * this.plan.capacity).start());
      const said = readFileSync(nginx.errorLog, 'utf8')
        .split('\n')
        .find((line) => line.startsWith('mhsm-pkcs11:'));
      return { ...seen, reasons: [...seen.reasons, ...(said === undefined ? [] : [said])] };
    } finally {
      await nginx.stop();
    }
  }

  async #load(load: HandshakeLoad): Promise<Handshakes> {
    // Until all who can wait do so.
    await pause(this.plan.runMs / 2);
    const { tally } = load;
    const [before, beganMs] = [tally.done, performance.now()];
    await pause(this.plan.runMs);
    const perSecond = ((tally.done - before) / (performance.now() - beganMs)) * 1000;
    const failed = tally.failures.length;
    load.ratePerSecond = 0;
    await load.stop();
    return { perSecond, failed, reasons: [...tally.reasons].map(([reason, count]) => `${count} × ${reason}`) };
  }

  async #withWorkers(nginx: Nginx, count: number): Promise<void> {
    const file = join(nginx.setting.folder, 'nginx.conf');
    writeFileSync(file, readFileSync(file, 'utf8').replace('worker_processes 2;', `worker_processes ${count};`));
    await nginx.reload();
    await waitFor('all nginx workers', async () => ((await nginx.workers()).length === count ? true : undefined));
  }

  signers(): Promise<SigningProcess[]> {
    const { configurationFile, pin } = this.#offload;
    const { threads, processes } = this.plan;
    const signer = { configurationFile, pin, threads, token: 'demo', label: LABEL };
    return Promise.all(
      Array.from({ length: processes }, (_, nth) =>
        SigningProcess.start({ ...signer, errorLog: join(this.#folder, `signer-${nth}.log`) }),
      ),
    );
  }

  async figures(): Promise<AgentFigures> {
    const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: this.#offload.configurationFile };
    return figuresOf((await mustRun(join(BIN, 'mhsm-p11'), ['metrics'], { env })).stdout);
  }

  /** The longest queue that was seen while `work` went on. */
  async watchingQueue<T>(work: Promise<T>): Promise<{ result: T; longestQueue: number }> {
    let goesOn = true;
    const result = work.finally(() => {
      goesOn = false;
    });
    // Its failure is met where it is waited for.
    result.catch(() => undefined);
    let longestQueue = 0;
    while (goesOn) {
      longestQueue = Math.max(longestQueue, (await this.figures()).queued);
      await Promise.race([pause(SAMPLE_MS), result.catch(() => undefined)]);
    }
    return { result: await result, longestQueue };
  }

  /** Of the agents, since a moment of the wall clock. */
  linesSince(sinceMs: number): LoggedLine[] {
    const folder = join(this.#folder, 'log');
    const texts = globSync('*.log', { cwd: folder }).map((name) => readFileSync(join(folder, name), 'utf8'));
    const lines = texts.flatMap((text) => text.split('\n').filter(Boolean));
    return lines.map((line) => JSON.parse(line) as LoggedLine).filter(({ time }) => Date.parse(time) >= sinceMs);
  }

  async stop(): Promise<void> {
    await this.#bare.stop();
    for (const role of ['agent', 'launcher'] as const) {
      for (const pid of await this.#offload.agents(role)) process.kill(pid, 'SIGTERM');
    }
    await this.#offload.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
