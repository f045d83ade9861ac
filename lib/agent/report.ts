import type { Caller } from '../log/log.ts';
import type { Pkcs11Error } from '../pkcs11/error.ts';
import type { CallName } from '../wire/schema.ts';
import type { Report } from './dispatch.ts';
import { RepeatedLines } from './repeated-lines.ts';

export interface ReportLog {
  /** `times`: how many errors the line stands for; one where nothing is said. */
  error(line: string, caller?: Caller, times?: number): void;
  debug(line: string, caller?: Caller): void;
}

const MUTE_MS = 1000;
/** Different ones a second. */
const MAX_LINES = 256;
/** The same for the lines of all processes together. */
const MAX_TOLD = 4096;

/** Tells whether a line was said within the last second, or many others; if not, counts it as said now. */
export function createMute(nowMs: () => number, maxLines = MAX_LINES): (line: string) => boolean {
  const lastMs = new Map<string, number>();
  return (line) => {
    const now = nowMs();
    // In the order in which they were said.
    for (const [said, at] of lastMs) {
      if (now - at < MUTE_MS) break;
      lastMs.delete(said);
    }
    if (lastMs.has(line) || lastMs.size >= maxLines) return true;
    lastMs.set(line, now);
    return false;
  };
}

/**
 * Makes a Report for each connection of a process. A line for the operator goes to the log at most once a second, with how
 * many it stands for, and to each process at most once a second, on however many connections its calls fail for the same
 * reason: every process hears its own reason. Errors without a hint are the calling program's business: debug level, and
 * nothing on its standard error.
 */
export function createReports(log: ReportLog, nowMs: () => number): (caller: Caller, process: string) => Report {
  const lines = new RepeatedLines((line, caller, times) => log.error(line, caller, times));
  const wasTold = createMute(nowMs, MAX_TOLD);
  return (caller, process) =>
    (call: CallName, error: Pkcs11Error): string => {
      if (error.hint === undefined) {
        log.debug(`${call}: ${error.line}`, caller);
        return '';
      }
      lines.say(error.line, `${call}: ${error.line}`, caller);
      return wasTold(`${process} ${error.line}`) ? '' : error.line;
    };
}
