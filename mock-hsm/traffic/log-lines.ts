// The request log as JSON lines, in a file or on standard error.
import { openSync } from 'node:fs';
import { pino } from 'pino';
import type { RequestEntry } from './request-log.ts';

export interface LogLines {
  write(entry: RequestEntry): void;
  /** Returns when all lines are written that can be, and the file is closed. */
  close(): Promise<void>;
}

const standardError = 2;
/** Characters that may wait to be written; further lines are dropped. */
const mostWaiting = 4 * 1024 * 1024;

/**
 * Appends a line for each entry. The file has mode 0600: it tells who uses which key.
 * @param file a path, or `-` for standard error
 */
export function openLogLines(file: string): LogLines {
  const dest = file === '-' ? standardError : opened(file);
  const destination = pino.destination({ dest, sync: false, maxLength: mostWaiting });
  // The entry has a time of its own, by the clock of the mock.
  const logger = pino({ base: null, timestamp: false }, destination);
  let isBroken = false;
  let isClosing = false;
  destination.on('error', ({ message }: Error) => {
    if (!isBroken) process.stderr.write(`mock-hsm: cannot write the log ${file}, requests go on without: ${message}\n`);
    isBroken = true;
    // What waits to be written would keep it open.
    if (isClosing) destination.destroy();
  });
  return {
    write: (entry) => logger.info(entry),
    close: () =>
      new Promise((resolve) => {
        isClosing = true;
        destination.once('close', resolve).end();
      }),
  };
}

function opened(file: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new Error(`cannot write the log ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
