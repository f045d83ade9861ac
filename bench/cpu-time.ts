// Processor time of another process, where the system tells it (Linux).
import { existsSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever the kernel's own tick is (USER_HZ). */
const ticksPerSecond = 100;

/** Microseconds of processor time that the process used so far, all threads; undefined where that cannot be known. */
export function cpuTimeUs(pid: number): number | undefined {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return undefined;
  // The name of the program stands in parentheses and may hold spaces; utime and stime are fields 14 and 15.
  const fields = readFileSync(file, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
}
