// Other processes as /proc shows them (Linux).
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second, whatever the kernel's own tick is (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** Undefined for a process that is gone. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** KiB of memory that the process shares with no other; undefined when it is gone. */
export function privateKiB(pid: number): number | undefined {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  if (rollup === undefined || rollup === '') return undefined;
  return [...rollup.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0);
}

/** Seconds in which a core of this machine did anything, all cores together, since it started. */
export function busySeconds(): number {
  const [, ...fields] = (read('/proc/stat')?.split('\n', 1)[0] ?? '').split(/\s+/);
  // user, nice, system, idle, iowait, irq, softirq, steal
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

const commandLineOf = (pid: number | string) => (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ');

/** Process ids of the children of the main thread that have this text in their command line. */
export function childrenOf(pid: number, text: string): number[] {
  const children = (read(`/proc/${pid}/task/${pid}/children`) ?? '').split(' ').filter(Boolean).map(Number);
  return children.filter((child) => commandLineOf(child).includes(text));
}

/** Those with this text among their arguments. */
export function processesWith(text: string): { readonly pid: number; readonly commandLine: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), commandLine: commandLineOf(name) }))
    .filter(({ commandLine }) => commandLine.includes(text));
}

/** Signals those with this text among their arguments; how many there were. */
export function signalProcessesWith(text: string, signal: NodeJS.Signals): number {
  const found = processesWith(text);
  for (const { pid } of found) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself meanwhile.
    }
  }
  return found.length;
}
