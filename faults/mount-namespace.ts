import { mustRun } from '../demo/process.ts';

const isRoot = process.getuid?.() === 0;

/** Words before a command that give it and all it starts a view of the file system of their own; none without root. */
export const OWN_MOUNTS: readonly string[] = isRoot ? ['unshare', '--mount', '--propagation', 'private'] : [];

/** Why a fault that mounts something cannot be done here. */
export const noOwnMounts = () => (isRoot ? undefined : 'it takes root');

/** Runs mount or umount as a process sees it: what is mounted is seen by that one and its relatives alone. */
export async function mountFor(pid: number, ...command: readonly string[]): Promise<void> {
  await mustRun('nsenter', ['--mount', '--target', String(pid), ...command]);
}
