/** The agent as it is installed, behind its launcher, and the intruders that a test sends to it. */

import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../demo/process.ts';
import { BUILD } from '../native/test/driver.ts';
import { Launcher, Scene } from '../native/test/launcher.ts';
import type { Tasks } from './intruder.ts';

/** A process of another user. */
export class Intruder {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async as(uid: number): Promise<Intruder> {
    const intruder = new Intruder(fork(join(import.meta.dirname, 'intruder.ts'), [String(uid)]));
    await intruder.#said();
    return intruder;
  }

  #said(): Promise<string> {
    return new Promise((resolve, reject) => {
      const ended = (status: number | null) => reject(new Error(`the intruder ended with ${status}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (words) => {
        this.#child.off('exit', ended);
        resolve(String(words));
      });
    });
  }

  does<T extends keyof Tasks>(task: T, details: Tasks[T]): Promise<string> {
    const said = this.#said();
    this.#child.send([task, details]);
    return said;
  }

  leave(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

export class AttackedAgent {
  readonly #scene = new Scene();
  readonly #launcher: Launcher;
  readonly #intruders: Intruder[] = [];
  pid = 0;

  /** Its HSM is a port where nobody listens: nothing here needs one. */
  private constructor(environment: Record<string, string>) {
    const configuration = {
      tokens: [{ slotid: 0, resourceName: 'nobody', baseUrl: 'https://127.0.0.1:9' }],
      log: { module: { P11Interfaces: true }, flags: { SendToStdErr: true, IncludeProcessId: true } },
    };
    writeFileSync(this.#scene.configuration, JSON.stringify(configuration));
    const program = ['--agent', join(BUILD, 'mhsm-pkcs11-agent')];
    this.#launcher = new Launcher(BUILD, this.#scene, ['--foreground', ...program], environment);
  }

  static async start(environment: Record<string, string> = {}): Promise<AttackedAgent> {
    const agent = new AttackedAgent(environment);
    await agent.#launcher.ready();
    const { stdout } = await mustRun('ps', ['--ppid', String(agent.launcherPid), '-o', 'pid=']);
    agent.pid = Number(stdout);
    return agent;
  }

  get socket(): string {
    return this.#scene.socket;
  }

  get configuration(): string {
    return this.#scene.configuration;
  }

  get launcherPid(): number {
    return this.#launcher.process.pid ?? 0;
  }

  /** Lines of launcher and agent. */
  get log(): string {
    return this.#launcher.stderr;
  }

  /** A file of the agent in /proc, as root sees it. */
  proc(name: string): string {
    return readFileSync(`/proc/${this.pid}/${name}`, 'utf8');
  }

  /** A number in its status: a user id, kilobytes. */
  status(name: string): number {
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(this.proc('status'))?.[1]);
  }

  async intruder(uid: number): Promise<Intruder> {
    const intruder = await Intruder.as(uid);
    this.#intruders.push(intruder);
    return intruder;
  }

  async stop(): Promise<void> {
    for (const intruder of this.#intruders) intruder.leave();
    this.#launcher.process.kill('SIGTERM');
    await this.#launcher.exit;
    await this.#scene.clean();
  }
}
