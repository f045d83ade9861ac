import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Finished {
  stdout: string;
  stderr: string;
  /** Exit status; 128 + signal number is not told apart from a program's own status. */
  status: number;
}

/** Runs a program to its end and gives what it printed, whatever its exit status. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; uid?: number; gid?: number; timeoutMs?: number } = {},
): Promise<Finished> {
  const { timeoutMs = 60_000, ...rest } = options;
  try {
    const child = run(file, [...args], { ...rest, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 });
    child.child.stdin?.end();
    return { ...(await child), status: 0 };
  } catch (error) {
    const failed = error as {
      stdout?: string;
      stderr?: string;
      code?: number | string;
      signal?: string;
      message: string;
    };
    const status = typeof failed.code === 'number' ? failed.code : 128;
    return { stdout: failed.stdout ?? '', stderr: failed.stderr || failed.message, status };
  }
}

/** Runs a program that must succeed. Throws with its own words when it does not. */
export async function mustRun(...call: Parameters<typeof runProgram>): Promise<Finished> {
  const finished = await runProgram(...call);
  if (finished.status !== 0) {
    const [file, args] = call;
    throw new Error(`${file} ${args.join(' ')}: exit ${finished.status}\n${finished.stderr.trim()}`);
  }
  return finished;
}

export interface Service {
  readonly process: ChildProcess;
  /** First line on standard output. */
  readonly firstLine: string;
  stop(): Promise<void>;
}

/** Starts a program that says on its first line of standard output that it serves. */
export async function startService(
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<Service> {
  // In a group of its own, so that Ctrl-C reaches only the one who stops it in order.
  const child = spawn(file, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk).slice(-4000);
  });
  const firstLine = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout ?? process.stdin }).once('line', resolve);
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Error(`${file} ended with ${code} before it served: ${complaint.trim()}`)),
    );
  });
  return {
    process: child,
    firstLine,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Asks again until `found` gives a value. Throws what was waited for when it never does. */
export async function waitFor<T>(
  what: string,
  found: () => T | undefined | Promise<T | undefined>,
  seconds = 20,
): Promise<T> {
  for (let left = seconds * 20; left > 0; left--) {
    const value = await found();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${seconds} s in vain: ${what}`);
}
