import type { Pkcs11Error } from '../pkcs11/error.ts';
import type { CallName } from '../wire/schema.ts';
import type { Report } from './dispatch.ts';

export interface ReportLog {
  error(line: string): void;
  debug(line: string): void;
}

const MUTE_MS = 1000;
const MAX_LINES = 256;

/**
 * A Report that writes each line for the operator at most once a second to the log and to the caller, however many
 * handshakes fail for the same reason. Errors without a hint are the calling program's business: debug level, and
 * nothing on its standard error.
 */
export function createReport(log: ReportLog, nowMs: () => number): Report {
  const lastMs = new Map<string, number>();

  function isMuted(line: string): boolean {
    const now = nowMs();
    const last = lastMs.get(line);
    if (last !== undefined && now - last < MUTE_MS) return true;
    if (lastMs.size >= MAX_LINES) lastMs.clear();
    lastMs.set(line, now);
    return false;
  }

  return (call: CallName, error: Pkcs11Error): string => {
    if (error.hint === undefined) {
      log.debug(`${call}: ${error.line}`);
      return '';
    }
    if (isMuted(error.line)) return '';
    log.error(`${call}: ${error.line}`);
    return error.line;
  };
}
