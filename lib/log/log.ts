/**
 * Where lines go. Takes texts alone, so that no object with a secret inside can be printed, and takes out what looks
 * like a token or a secret all the same. A destination that fails costs its lines and nothing else.
 */

import { constants, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { destination, type Logger, multistream, pino, stdTimeFunctions } from 'pino';

/** The `log` section of the configuration, as far as it is honoured. */
export interface LogSettings {
  readonly directory: string;
  readonly flags: {
    readonly SendToFile: boolean;
    readonly SendToStdOut: boolean;
    readonly SendToStdErr: boolean;
    readonly IncludeProcessId: boolean;
  };
  readonly module: {
    /** Either brings the debug lines. */
    readonly FunctionLevelTrace: boolean;
    readonly P11Interfaces: boolean;
  };
}

export interface LogOptions {
  /** Told once for each destination that fails. By default a line on standard error. */
  readonly warn?: (line: string) => void;
  /** Opens the log file; gives its descriptor. */
  readonly open?: (path: string) => number;
}

export interface Log {
  error(line: string): void;
  warn(line: string): void;
  info(line: string): void;
  debug(line: string): void;
}

type Destination = ReturnType<typeof destination>;

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
/** What a destination that does not take lines may hold back before lines are dropped. */
const MAX_HELD_BYTES = 1024 * 1024;

/** `MHSM-PKCS11-<pid>-<YYYYMMDD>-<HHMMSS>.log`, local time: the closed library's name of its log. */
export function logFileName(pid: number, now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `MHSM-PKCS11-${pid}-${date}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.log`;
}

/** What must never be printed, whoever let it into a line: tokens, and secrets in forms and headers. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[token]'],
  [/\b(bearer\s+)[\w.~+/=-]{8,}/gi, '$1[token]'],
  [/\b((?:client_secret|clientSecret|client_assertion|access_token)["']?\s*[=:]\s*["']?)[^\s&"',}]+/gi, '$1[secret]'],
];

function scrub(line: string): string {
  return SECRETS.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}

/** The name can be guessed: a symbolic link in its place is not followed. */
function openAppending(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o640);
}

function warnOnStandardError(line: string): void {
  try {
    writeSync(STANDARD_ERROR, `${line}\n`);
  } catch {
    // Nobody is left to tell.
  }
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** A descriptor that may fail (disk full, reader gone) without taking the process along. */
function tolerant(fd: number, name: string, warn: (line: string) => void): Destination {
  const target = destination({ fd, sync: true, maxLength: MAX_HELD_BYTES });
  let told = false;
  target.on('error', (error: Error) => {
    if (told) return;
    told = true;
    warn(`mhsm-pkcs11: log lines to ${name} are lost: ${error.message}`);
  });
  return target;
}

function fileDestination(directory: string, options: Required<LogOptions>): Destination | undefined {
  const path = join(directory, logFileName(process.pid, new Date()));
  try {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    return tolerant(options.open(path), path, options.warn);
  } catch (error) {
    options.warn(`mhsm-pkcs11: there is no log in ${directory}: ${wordsOf(error)}`);
    return undefined;
  }
}

function destinationsOf({ directory, flags }: LogSettings, options: Required<LogOptions>): Destination[] {
  const targets: (Destination | undefined)[] = [];
  if (flags.SendToStdOut) targets.push(tolerant(STANDARD_OUTPUT, 'standard output', () => undefined));
  if (flags.SendToStdErr) targets.push(tolerant(STANDARD_ERROR, 'standard error', () => undefined));
  if (flags.SendToFile) targets.push(fileDestination(directory, options));
  return targets.filter((target) => target !== undefined);
}

/** A log as the configuration wants it, in JSON lines. Never throws: trouble with a destination is told to `warn`. */
export function createLog(settings: LogSettings, options: LogOptions = {}): Log {
  const { FunctionLevelTrace, P11Interfaces } = settings.module;
  const level = FunctionLevelTrace || P11Interfaces ? 'debug' : 'info';
  const { warn = warnOnStandardError, open = openAppending } = options;
  const streams = destinationsOf(settings, { warn, open }).map((stream) => ({ stream, level }) as const);
  const logger: Logger = pino(
    {
      level: streams.length === 0 ? 'silent' : level,
      base: settings.flags.IncludeProcessId ? { pid: process.pid } : null,
      timestamp: stdTimeFunctions.isoTime,
    },
    multistream(streams),
  );
  return {
    error: (line) => logger.error(scrub(line)),
    warn: (line) => logger.warn(scrub(line)),
    info: (line) => logger.info(scrub(line)),
    debug: (line) => logger.debug(scrub(line)),
  };
}
