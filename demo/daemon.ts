import { existsSync, readFileSync } from 'node:fs';
import { mustRun, runProgram, waitFor } from './process.ts';

/** A server that put itself into the background and wrote its process id into a file. */
export class Daemon {
  readonly #pidFile: string;

  private constructor(pidFile: string) {
    this.#pidFile = pidFile;
  }

  /** Throws with the server's own words when it does not start. */
  static async start(pidFile: string, program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    await mustRun(program, args, { env });
    await waitFor(`${pidFile} of ${program}`, () => (existsSync(pidFile) ? true : undefined));
    return new Daemon(pidFile);
  }

  get pid(): number {
    return Number(readFileSync(this.#pidFile, 'utf8'));
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Process ids of its children, those that are about to end included. */
  async children(): Promise<number[]> {
    const { stdout } = await runProgram('ps', ['-o', 'pid=', '--ppid', String(this.pid)]);
    return stdout.split('\n').filter(Boolean).map(Number);
  }

  /** Sends the signal that makes it reload, and waits until it has other children, and none of the former. */
  async replaceChildren(signal: NodeJS.Signals): Promise<void> {
    const before = new Set(await this.children());
    this.signal(signal);
    await waitFor('new workers after the reload', async () => {
      const now = await this.children();
      return now.length > 0 && now.every((pid) => !before.has(pid)) ? true : undefined;
    });
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const { pid } = this;
    process.kill(pid, signal);
    await waitFor(`the end of process ${pid}`, async () => {
      const { stdout } = await runProgram('ps', ['-o', 'stat=', '-p', String(pid)]);
      return stdout.trim() === '' || stdout.startsWith('Z') ? true : undefined;
    });
  }
}
