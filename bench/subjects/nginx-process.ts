/** nginx as a process of its own, with so many workers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../demo/process.ts';
import { childrenOf } from '../processes.ts';

export interface NginxStart {
  /** Made where it is missing; `configuration` has its error.log in it. */
  readonly folder: string;
  /** Text of nginx.conf, with `daemon off`. */
  readonly configuration: string;
  /** That it starts by this configuration. */
  readonly workers: number;
  readonly env: NodeJS.ProcessEnv;
  /** Until all workers are there. */
  readonly patienceSeconds?: number;
}

/** The master has other children for a moment: a module that it loads may start an agent. */
export const workersOf = ({ pid }: ChildProcess): number[] => childrenOf(pid ?? 0, 'nginx: worker process');

/** Waits until it has all its workers. Throws with its own words when it does not start, and leaves nothing running. */
export async function startNginx(start: NginxStart): Promise<ChildProcess> {
  const { folder, configuration, env } = start;
  mkdirSync(folder, { recursive: true });
  const [file, log] = [join(folder, 'nginx.conf'), join(folder, 'error.log')];
  writeFileSync(file, configuration);
  const nginx = spawn('/usr/sbin/nginx', ['-p', folder, '-e', log, '-c', file], {
    env,
    stdio: 'ignore',
    detached: true,
  });
  nginx.on('error', () => undefined);
  try {
    await allWorkers(nginx, start);
  } catch (error) {
    await stopNginx(nginx);
    throw new Error(`${error instanceof Error ? error.message : String(error)}${whatItSaid(log)}`);
  }
  return nginx;
}

async function allWorkers(nginx: ChildProcess, { workers, patienceSeconds }: NginxStart): Promise<void> {
  const whole = () => {
    if (nginx.pid === undefined) throw new Error('nginx did not start: is it installed?');
    if (nginx.exitCode !== null || nginx.signalCode !== null) throw new Error('nginx ended before it served');
    return workersOf(nginx).length >= workers ? true : undefined;
  };
  await waitFor(`${workers} workers of nginx`, whole, patienceSeconds);
}

function whatItSaid(log: string): string {
  const text = existsSync(log) ? readFileSync(log, 'utf8').trim() : '';
  return text === '' ? '' : `: ${text}`;
}

/** Resolves when it is gone. */
export async function stopNginx(nginx: ChildProcess): Promise<void> {
  if (nginx.pid === undefined || nginx.exitCode !== null || nginx.signalCode !== null) return;
  const gone = once(nginx, 'exit');
  nginx.kill('SIGTERM');
  await gone;
}
