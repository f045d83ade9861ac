import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { destination, type Logger, multistream, pino, stdTimeFunctions } from 'pino';

/** The `log` section of the configuration, as far as it says where lines go. */
export interface LogSettings {
  readonly directory: string;
  readonly flags: {
    readonly SendToFile: boolean;
    readonly SendToStdOut: boolean;
    readonly SendToStdErr: boolean;
    readonly IncludeProcessId: boolean;
  };
  readonly module: { readonly FunctionLevelTrace: boolean };
}

export interface Log {
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

/** `MHSM-PKCS11-<pid>-<YYYYMMDD>-<HHMMSS>.log`, local time: the closed library's name of its log. */
export function logFileName(pid: number, now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `MHSM-PKCS11-${pid}-${date}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.log`;
}

type Destination = ReturnType<typeof destination>;

/** A file or descriptor that may fail (disk full, folder gone) without taking the process along. */
function tolerant(target: Destination): Destination {
  target.on('error', () => undefined);
  return target;
}

function fileDestination(directory: string): Destination {
  mkdirSync(directory, { recursive: true, mode: 0o750 });
  return tolerant(
    destination({ dest: join(directory, logFileName(process.pid, new Date())), sync: true, mode: 0o640 }),
  );
}

function destinationsOf({ directory, flags }: LogSettings): Destination[] {
  const targets: Destination[] = [];
  if (flags.SendToStdOut) targets.push(tolerant(destination({ dest: 1, sync: true })));
  if (flags.SendToStdErr) targets.push(tolerant(destination({ dest: 2, sync: true })));
  if (flags.SendToFile) targets.push(fileDestination(directory));
  return targets;
}

/**
 * A log as the configuration wants it: JSON lines, texts alone, so that no object with a secret can slip in. Throws an
 * Error that names the folder when the log file cannot be made.
 */
export function createLog(settings: LogSettings): Log {
  const level = settings.module.FunctionLevelTrace ? 'debug' : 'info';
  const streams = destinationsOf(settings).map((stream) => ({ stream, level }) as const);
  const logger: Logger = pino(
    {
      level: streams.length === 0 ? 'silent' : level,
      base: settings.flags.IncludeProcessId ? { pid: process.pid } : null,
      timestamp: stdTimeFunctions.isoTime,
    },
    multistream(streams),
  );
  return {
    error: (line) => logger.error(line),
    warn: (line) => logger.warn(line),
    info: (line) => logger.info(line),
    debug: (line) => logger.debug(line),
  };
}
