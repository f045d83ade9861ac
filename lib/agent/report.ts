import type { Caller } from '../log/log.ts';
import type { Pkcs11Error } from '../pkcs11/error.ts';
import type { CallName } from '../wire/schema.ts';
import type { Report } from './dispatch.ts';

export interface ReportLog {
  error(line: string, caller?: Caller): void;
  debug(line: string, caller?: Caller): void;
}

const MUTE_MS = 1000;
/** Different ones a second. */
const MAX_LINES = 256;

/** Tells whether a line was said within the last second, or many others; if not, counts it as said now. */
export function createMute(nowMs: () => number): (line: string) => boolean {
  const lastMs = new Map<string, number>();
  return (line) => {
    const now = nowMs();
    // In the order in which they were said.
    for (const [said, at] of lastMs) {
      if (now - at < MUTE_MS) break;
      lastMs.delete(said);
    }
    if (lastMs.has(line) || lastMs.size >= MAX_LINES) return true;
    lastMs.set(line, now);
    return false;
  };
}

/**
 * Makes a Report for each caller. A line for the operator goes to the log at most once a second, and to each caller at
 * most once a second, however many handshakes fail for the same reason: every process hears its own reason. Errors
 * without a hint are the calling program's business: debug level, and nothing on its standard error.
 */
export function createReports(log: ReportLog, nowMs: () => number): (caller?: Caller) => Report {
  const wasLogged = createMute(nowMs);
  return (caller) => {
    const wasTold = createMute(nowMs);
    return (call: CallName, error: Pkcs11Error): string => {
      if (error.hint === undefined) {
        log.debug(`${call}: ${error.line}`, caller);
        return '';
      }
      if (!wasLogged(error.line)) log.error(`${call}: ${error.line}`, caller);
      return wasTold(error.line) ? '' : error.line;
    };
  };
}
