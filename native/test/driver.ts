import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { createInterface } from 'node:readline';
import { noteSecret } from '../../secret-watch/evidence.ts';

const NATIVE = join(import.meta.dirname, '..');
export const BUILD = join(NATIVE, 'build');

// Tests of yesterday's build would prove nothing, and the sanitized parts are built for the tests alone. Test files run
// at the same time, so one builds while the others wait.
execFileSync('flock', [join(NATIVE, 'Makefile'), 'make', '-s', '-C', NATIVE, 'c', 'asan'], { stdio: 'inherit' });

/** The C parts as they ship, and with the sanitizers. */
export const VARIANTS: readonly { name: string; build: string }[] = [
  { name: 'as shipped', build: BUILD },
  { name: 'sanitized', build: join(BUILD, 'asan') },
];

/** The masked form in which a PIN is given to the driver, so that it is in no buffer of the driver itself. */
export function masked(text: string): string {
  noteSecret('a PIN of the driver', text);
  return Buffer.from(Buffer.from(text).map((byte) => byte ^ 0x5a)).toString('hex');
}

function unnamedFile(): number {
  const folder = mkdtempSync(join(tmpdir(), 'mhsm-driver-'));
  const file = openSync(join(folder, 'stderr'), 'a+');
  rmSync(folder, { recursive: true });
  return file;
}

/** A process that has loaded the module and does what it is told, one command at a time (test/driver/). */
export class Driver {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly exit: Promise<number | null>;
  #wake = () => {};
  #ended = false;
  /** A file, so that what was written before an answer has arrived before it. */
  readonly #stderr: number;
  readonly module: string;

  constructor(
    build: string,
    environment: Record<string, string>,
    module = join(build, 'libmhsm-pkcs11.so'),
    { program = join(build, 'test/driver/driver'), user }: { program?: string; user?: number } = {},
  ) {
    this.module = module;
    this.#stderr = unnamedFile();
    this.#process = spawn(program, {
      env: { PATH: env.PATH ?? '', UBSAN_OPTIONS: 'print_stacktrace=1', ...environment },
      stdio: ['pipe', 'pipe', this.#stderr],
      ...(user !== undefined && { uid: user, gid: user }),
    });
    this.exit = new Promise((resolve) => this.#process.on('exit', (status) => resolve(status)));
    const { stdout } = this.#process;
    if (stdout === null) throw new Error('no pipe');
    createInterface(stdout).on('line', (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    stdout.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static async load(build: string, environment: Record<string, string>, module?: string): Promise<Driver> {
    const driver = new Driver(build, environment, module);
    const answer = await driver.run(`load ${driver.module}`);
    if (answer !== '0') throw new Error(`the module did not load: ${answer} ${driver.stderr}`);
    return driver;
  }

  get stderr(): string {
    const text = Buffer.alloc(fstatSync(this.#stderr).size);
    readSync(this.#stderr, text, 0, text.length, 0);
    return text.toString();
  }

  /** The next line of output. */
  async line(): Promise<string> {
    while (this.#lines.length === 0) {
      if (this.#ended) throw new Error(`the driver ended: ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines.shift() ?? '';
  }

  async run(command: string): Promise<string> {
    this.#process.stdin?.write(`${command}\n`);
    return this.line();
  }

  /** Answers of a forked child to its commands, then of its parent: how the child ended. */
  async fork(...commands: readonly string[]): Promise<string[]> {
    const lines = [await this.run(`fork ${commands.join(';')}`)];
    for (let last = lines[0]; last?.startsWith('child '); last = lines.at(-1)) lines.push(await this.line());
    return lines.map((line) => line.replace(/^child /, ''));
  }

  /** Ends as a program does that runs out of input. Gives the exit status. */
  end(): Promise<number | null> {
    this.#process.stdin?.end();
    return this.exit;
  }
}
