// The request log as JSON lines, in a file or on standard error.
import { openSync } from 'node:fs';
import { pino } from 'pino';
import type { RequestEntry } from './request-log.ts';

export interface LogLines {
  write(entry: RequestEntry): void;
  /** Returns when all lines are written. */
  close(): Promise<void>;
}

const standardError = 2;

/**
 * Appends a line for each entry. The file has mode 0600: it tells who uses which key.
 * @param file a path, or `-` for standard error
 */
export function openLogLines(file: string): LogLines {
  const destination = pino.destination({ dest: file === '-' ? standardError : opened(file), sync: false });
  // The entry has a time of its own, by the clock of the mock.
  const logger = pino({ base: null, timestamp: false }, destination);
  return {
    write: (entry) => logger.info(entry),
    close: () => new Promise((resolve, reject) => destination.flush((error) => (error ? reject(error) : resolve()))),
  };
}

function opened(file: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new Error(`cannot write the log ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
