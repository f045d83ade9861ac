/** A process of many threads that sign through the module, one signature after another in each. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MODULE, MODULE_ENVIRONMENT } from '../demo/tested-module.ts';

const NATIVE = join(import.meta.dirname, '../native');

export interface Signer {
  readonly configurationFile: string;
  readonly token: string;
  /** Label of an EC P-256 key. */
  readonly label: string;
  readonly pin: string;
  readonly threads: number;
  /** Where its standard error goes. */
  readonly errorLog: string;
}

/** Of one run. Times in milliseconds. */
export interface Signed {
  readonly count: number;
  readonly failures: number;
  /** One of them, as `C_Sign: 0x6`; empty when none failed. */
  readonly failure: string;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly failureMs: { readonly p50: number; readonly p99: number };
}

/** Builds the program; make knows when there is nothing to do. */
export function buildSigner(): void {
  execFileSync('make', ['-s', '-C', NATIVE, 'build/bench/signs'], { stdio: 'inherit' });
}

export class SigningProcess {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #errorLog: string;

  private constructor(process: ChildProcess, errorLog: string) {
    if (process.stdout === null) throw new Error('a signing process has no standard output');
    this.#process = process;
    this.#errorLog = errorLog;
    this.#lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when it is logged in and has found the key. Throws with its own words when it ends before. */
  static async start(signer: Signer): Promise<SigningProcess> {
    const { configurationFile, token, label, pin, threads, errorLog } = signer;
    const child = spawn(join(NATIVE, 'build/bench/signs'), [MODULE, token, label, 'ecdsa', '32', String(threads)], {
      env: { ...MODULE_ENVIRONMENT, MHSM_PKCS11_CONF: configurationFile },
      stdio: ['pipe', 'pipe', openSync(errorLog, 'a')],
      detached: true,
    });
    const started = new SigningProcess(child, errorLog);
    child.stdin?.write(`${pin}\n`);
    await started.#line();
    return started;
  }

  /** `pauseMs`: how long a thread rests after a failure, as a client does before it comes again. */
  async run(durationMs: number, pauseMs: number): Promise<Signed> {
    this.#process.stdin?.write(`run ${durationMs} ${pauseMs}\n`);
    return JSON.parse(await this.#line()) as Signed;
  }

  /** What the module said on standard error. */
  get said(): readonly string[] {
    return readFileSync(this.#errorLog, 'utf8').split('\n').filter(Boolean);
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`a signing process ended: ${this.said.join('\n')}`);
    return value;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.stdin?.end();
    await gone;
  }
}
