import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { mustRun } from '../demo/process.ts';

const MOUNTS = ['unshare', '--mount', '--propagation', 'private'] as const;

function canMount(): boolean {
  const [program, ...args] = MOUNTS;
  return process.getuid?.() === 0 && spawnSync(program, [...args, 'true']).status === 0;
}

const mounts = canMount();

/** Words before a command that give it and all it starts a view of the file system of their own; none where that is not allowed. */
export const OWN_MOUNTS: readonly string[] = mounts ? MOUNTS : [];

/** Why a fault that mounts something cannot be done here. */
export const noOwnMounts = () => (mounts ? undefined : 'it takes root with CAP_SYS_ADMIN');

/** Runs mount or umount as a process sees it: what is mounted is seen by that one and its relatives alone. */
export async function mountFor(pid: number, ...command: readonly string[]): Promise<void> {
  await mustRun('nsenter', ['--mount', '--target', String(pid), ...command]);
}
