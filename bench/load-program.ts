// The programs of native/bench: they load in so many lanes when told to, and answer with what they counted.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { rateOf } from './plan/rate.ts';
import type { LoadReport } from './subjects/subject.ts';

const PROGRAMS = join(import.meta.dirname, '../native/build/bench');
/** A run may last longer than asked for by one operation of each lane; one that hangs has a deadline of its own. */
const LATE_MS = 30_000;
/** What lanes.h takes where nothing is said; the limit stands behind it. */
const PAUSE_AFTER_FAILURE_MS = 1;

/** What lanes.c prints of a run. */
interface Counted extends Omit<LoadReport, 'perSecond'> {
  /** When operations ended that succeeded, since the run began. */
  readonly endsMs: readonly number[];
  readonly lanes: number;
  /** When the first lane stopped loading. */
  readonly loadedMs: number;
}

export interface LoadProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Goes to its standard input before all else: a PIN has no place among the arguments. */
  readonly firstLine?: string;
}

export class LoadProgram {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #complaint = '';
  /** What it said when it was ready, without that word. */
  readyWith = '';

  private constructor(name: string, process: ChildProcess) {
    this.#name = name;
    this.#process = process;
    process.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk).slice(-2000);
    });
    if (process.stdout === null) throw new Error(`${name} has no standard output`);
    this.#lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
  }

  /** @param name of the program; throws with its own words when it ends before it is ready */
  static async start(
    name: 'signs' | 'handshakes',
    args: readonly string[],
    { env, firstLine }: LoadProgramOptions = {},
  ): Promise<LoadProgram> {
    // In a group of its own, so that Ctrl-C reaches only the one who stops it in order.
    const child = spawn(join(PROGRAMS, name), args, {
      env: env ?? {},
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    // Its end is seen where its output ends.
    child.on('error', () => undefined);
    child.stdin?.on('error', () => undefined);
    const program = new LoadProgram(name, child);
    if (firstLine !== undefined) child.stdin?.write(`${firstLine}\n`);
    program.readyWith = (await program.#line()).replace(/^ready ?/, '');
    return program;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** @param most operations, in all lanes together; no limit when absent */
  async run(durationMs: number, most?: number): Promise<LoadReport> {
    const limit = most === undefined ? '' : ` ${PAUSE_AFTER_FAILURE_MS} ${most}`;
    this.#process.stdin?.write(`run ${Math.round(durationMs)}${limit}\n`);
    const late = setTimeout(() => this.#process.kill('SIGKILL'), durationMs + LATE_MS);
    try {
      const { endsMs, lanes, loadedMs, ...counted } = JSON.parse(await this.#line()) as Counted;
      return { ...counted, perSecond: rateOf(endsMs, lanes, loadedMs) };
    } finally {
      clearTimeout(late);
    }
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done !== true) return value;
    const said = this.#complaint.trim() || 'it said nothing; was it built? make -C native bench';
    throw new Error(`${this.#name} of native/bench ended: ${said}`);
  }

  /** Lets it end by itself, what a module does when it is finalized included; not for longer than 5 s. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null || this.#process.pid === undefined) return;
    const gone = once(this.#process, 'exit');
    this.#process.stdin?.end();
    const late = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(late);
  }
}
