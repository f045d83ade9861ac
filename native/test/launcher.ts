import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath } from 'node:process';

const PROGRAM = join(import.meta.dirname, 'agent-program.ts');

/** How the agent program of a test found itself started. */
export interface Note {
  readonly pid: number;
  readonly ppid: number;
  readonly key: string;
  readonly keyBytes: number;
  readonly arguments: readonly string[];
  readonly listening: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly descriptors: readonly string[];
  readonly ended?: string;
}

export async function until<T>(what: string, condition: () => T | undefined | false): Promise<T> {
  const end = performance.now() + 20_000;
  for (;;) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function isAlive(pid: number): boolean {
  try {
    // A zombie is no process any more, once its other threads have ended and with them its descriptors.
    return !/^State:\s+Z[\s\S]*^Threads:\s+1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A folder of its own for one test: socket, configuration and the agent program's notes. */
export class Scene {
  readonly folder = mkdtempSync(join(tmpdir(), 'mhsm-scene-'));
  readonly directory = join(this.folder, 'mhsm-pkcs11-run');
  readonly socket = join(this.directory, 'socket');
  readonly configuration = join(this.folder, 'mhsm-pkcs11.conf');
  readonly agentProgram: string;
  readonly #pids = new Set<number>();

  constructor(agentName = 'agent') {
    chmodSync(this.folder, 0o755);
    mkdirSync(join(this.folder, 'notes-of'), { mode: 0o777 });
    chmodSync(join(this.folder, 'notes-of'), 0o1777);
    this.agentProgram = join(this.folder, agentName);
    const script = `#!/bin/sh\nexec '${execPath}' '${PROGRAM}' "$@"\n`;
    writeFileSync(this.agentProgram, script, { mode: 0o755 });
  }

  get environment(): Record<string, string> {
    return { PATH: env.PATH ?? '', MHSM_PKCS11_TEST: this.notesFolder, MHSM_PKCS11_CONF: this.configuration };
  }

  get notesFolder(): string {
    return join(this.folder, 'notes-of');
  }

  setMode(mode: string): void {
    writeFileSync(join(this.notesFolder, 'mode'), mode);
  }

  get notes(): Note[] {
    const path = join(this.notesFolder, 'notes');
    if (!existsSync(path)) return [];
    const notes = readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Note);
    for (const note of notes) for (const pid of [note.pid, note.ppid]) this.#pids.add(pid);
    return notes;
  }

  /** The note of the agent that was started as the n-th, the first being 1. */
  agent(n: number): Promise<Note> {
    return until(`agent ${n}`, () => this.notes[n - 1]);
  }

  /** Ends what a test left: the launchers, and their agents with them. */
  async clean(): Promise<void> {
    const launchers = this.notes.map((note) => note.ppid).filter((pid) => pid > 1);
    for (const pid of launchers) if (this.#owns(pid)) process.kill(pid, 'SIGTERM');
    for (const pid of this.#pids) await until(`the end of ${pid}`, () => pid <= 1 || !isAlive(pid));
    rmSync(this.folder, { recursive: true });
  }

  /** A number from a note may mean another process by now, or none. */
  #owns(pid: number): boolean {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(this.folder);
    } catch {
      return false;
    }
  }
}

/** A launcher in the foreground. */
export class Launcher {
  readonly process: ChildProcess;
  readonly exit: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(build: string, scene: Scene, options: readonly string[], environment: Record<string, string> = {}) {
    this.process = spawn(
      join(build, 'mhsm-pkcs11-launcher'),
      ['--config', scene.configuration, '--socket', scene.socket, '--agent', scene.agentProgram, ...options],
      { env: { ...scene.environment, ...environment }, stdio: 'pipe' },
    );
    this.exit = new Promise((resolve) => this.process.on('close', (status) => resolve(status)));
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
  }

  async ready(): Promise<void> {
    let ended = false;
    this.exit.then(() => {
      ended = true;
    });
    await until('ready', () => this.stdout === 'ready\n' || ended);
    if (this.stdout !== 'ready\n') throw new Error(`not ready: ${this.stdout}${this.stderr}`);
  }
}
