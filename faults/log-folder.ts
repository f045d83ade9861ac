/** Where the agents write: a small file system of its own, so that one can be full. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import process from 'node:process';
import { noOwnMounts } from './mount-namespace.ts';

/** Far more than a run of all faults writes. */
export const LOG_BYTES = 32 * 1024 * 1024;

/** Gives what takes it away again; the end of this process does too. A plain folder where nothing can be mounted. */
export function openLogFolder(path: string): () => void {
  mkdirSync(path, { mode: 0o777 });
  if (noOwnMounts() !== undefined) return () => undefined;
  const options = `size=${LOG_BYTES},mode=0777,nosuid,nodev`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'mhsm-faults-log', path]);
  const close = () => {
    process.off('exit', close);
    execFileSync('umount', ['--lazy', path]);
  };
  process.once('exit', close);
  return close;
}
