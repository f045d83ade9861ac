/** Where the agents write: a small file system of its own, so that one can be full. */
import { mkdirSync } from 'node:fs';
import { mustRun } from '../demo/process.ts';
import { noOwnMounts } from './mount-namespace.ts';

/** Far more than a run of all faults writes. */
export const LOG_BYTES = 32 * 1024 * 1024;

/** Gives what takes it away again. Without root it is a plain folder. */
export async function openLogFolder(path: string): Promise<() => Promise<void>> {
  mkdirSync(path, { mode: 0o777 });
  if (noOwnMounts() !== undefined) return async () => undefined;
  await mustRun('mount', ['-t', 'tmpfs', '-o', `size=${LOG_BYTES},mode=0777,nosuid,nodev`, 'mhsm-faults-log', path]);
  return async () => {
    await mustRun('umount', ['--lazy', path]);
  };
}
