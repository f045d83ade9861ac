import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BUILT_MODULE } from './tested-module.ts';

const PROGRAM = join(import.meta.dirname, 'signing-program.ts');

export interface Signed {
  made: number;
  /** A code for each signature that did not come. */
  failures: string[];
}

export interface SigningClientOptions {
  configurationFile: string;
  pin: string;
  label: string;
  /** Of a user other than the caller's. */
  uid?: number;
  environment?: NodeJS.ProcessEnv;
}

/** A server's worker, as far as the module sees: a process that stays, and signs now and then. */
export class SigningClient {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;
  stderr = '';

  private constructor({ configurationFile, pin, label, uid, environment }: SigningClientOptions) {
    this.#process = spawn(process.execPath, [PROGRAM, BUILT_MODULE, label], {
      env: { PATH: process.env.PATH, MHSM_PKCS11_CONF: configurationFile, PIN: pin, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid, gid: uid }),
    });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
    this.#ended = new Promise((resolve) => this.#process.once('close', () => resolve()));
  }

  /** Loads the module, logs in and finds the key. Throws what the process said when it ends before. */
  static async start(options: SigningClientOptions): Promise<SigningClient> {
    const client = new SigningClient(options);
    const line = await client.#line();
    if (line === 'ready') return client;
    await client.#ended;
    throw new Error(`the client ended: ${client.stderr}`);
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  async #line(): Promise<string | undefined> {
    return (await this.#lines.next()).value;
  }

  async sign(count: number): Promise<Signed> {
    this.#process.stdin?.write(`${count}\n`);
    const line = await this.#line();
    if (line === undefined) throw new Error(`the client ended: ${this.stderr}`);
    return JSON.parse(line) as Signed;
  }

  /** Signs without a pause while `work` is done. */
  async signDuring(work: () => Promise<void>): Promise<Signed> {
    const total: Signed = { made: 0, failures: [] };
    let working = true;
    const done = work().finally(() => {
      working = false;
    });
    while (working) {
      const { made, failures } = await this.sign(5);
      total.made += made;
      total.failures.push(...failures);
    }
    await done;
    return total;
  }

  async stop(): Promise<void> {
    this.#process.stdin?.end();
    await this.#ended;
  }
}
