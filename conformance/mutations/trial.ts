/** Runs the conformance suite in a scratch copy of the sources, with a bug in it or as they are. */

import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applied, type Mutation } from './mutation.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What a bug changes or what runs beside it; the rest is linked. */
const COPIED = ['lib', 'conformance'];
/** A suite that is whole takes seconds; a bug may make it wait forever. */
const MOST_MS = 180_000;
/** Of a promise that is held alone, for each run of all. */
const RUNS_ALONE = 10;

export interface Trial {
  readonly outcome: 'holds' | 'broken' | 'hangs';
  /** Ids of the promises that are broken. */
  readonly promises: readonly string[];
  /** The end of what the suite printed. */
  readonly output: string;
}

export interface Effort {
  readonly runs: number;
  readonly seed: number;
}

/**
 * Holds all promises against the core in process. Without a mutation: against the sources as they are. Rejects when
 * `stop` is aborted, as soon as the suite has ended and its copy is gone.
 */
export function tryOut(mutation: Mutation | undefined, effort: Effort, stop: AbortSignal): Promise<Trial> {
  return inCopy(mutation, async (folder) => {
    stop.throwIfAborted();
    const trial = await runIn(folder, mutation?.promise, effort, stop);
    stop.throwIfAborted();
    return trial;
  });
}

/** Does something in a scratch copy of the sources, which is gone when it is done. */
export async function inCopy<T>(mutation: Mutation | undefined, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mhsm-mutation-'));
  try {
    await copyTo(folder);
    if (mutation !== undefined) {
      const file = join(folder, mutation.file);
      await writeFile(file, applied(mutation, await readFile(file, 'utf8')));
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function copyTo(folder: string): Promise<void> {
  for (const name of await readdir(ROOT)) {
    // The report of the run is the copy's own.
    if (name === 'build' || name.startsWith('.')) continue;
    if (COPIED.includes(name)) await cp(join(ROOT, name), join(folder, name), { recursive: true });
    else await symlink(join(ROOT, name), join(folder, name));
  }
}

function effortOn(promise: string | undefined, { runs, seed }: Effort): string[] {
  if (promise === undefined) return ['--runs', String(runs), '--seed', String(seed)];
  return ['--runs', String(runs * RUNS_ALONE), '--seed', String(seed), '--promise', promise];
}

function runIn(folder: string, promise: string | undefined, effort: Effort, stop: AbortSignal): Promise<Trial> {
  const words = ['conformance/suite.ts', '--subject', 'memory', ...effortOn(promise, effort)];
  const child = spawn(process.execPath, words, { cwd: folder, timeout: MOST_MS, killSignal: 'SIGKILL' });
  const end = () => child.kill('SIGKILL');
  stop.addEventListener('abort', end);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      stop.removeEventListener('abort', end);
      const output = Buffer.concat(chunks).toString('utf8');
      const promises = [...output.matchAll(/^BROKEN (\S+)/gm)].map((match) => match[1] ?? '');
      const outcome = code === null ? 'hangs' : code === 0 ? 'holds' : 'broken';
      resolve({ outcome, promises, output: output.slice(-2000) });
    });
  });
}
