/**
 * Where lines go: JSON lines by pino. Takes texts alone, so that no object with a secret inside can be printed, and takes
 * out what it knows or looks like a secret all the same. A destination that fails costs its lines and nothing else.
 */

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { destination, type Logger, multistream, pino, stdTimeFunctions } from 'pino';
import { LogFile, type LogFileOptions } from './file.ts';
import { Secrets } from './secrets.ts';

/** The `log` section of the configuration, as far as it says where lines go and what each carries. */
export interface LogSettings {
  readonly directory: string;
  readonly flags: {
    readonly CloseFileAfterWrite: boolean;
    readonly SendToFile: boolean;
    readonly SendToStdOut: boolean;
    readonly SendToStdErr: boolean;
    /** `pid`: of the process that called; of this one where nobody called. */
    readonly IncludeProcessId: boolean;
    /** `connection`: a caller's thread has one for itself while it calls. */
    readonly IncludeThreadId: boolean;
  };
  readonly module: {
    /** Either brings the debug lines. */
    readonly FunctionLevelTrace: boolean;
    readonly P11Interfaces: boolean;
  };
}

export interface LogOptions {
  /** What a file begins with: a line, and the values that go with it (without secrets). */
  readonly head?: { readonly line: string; readonly values: object };
  /** Whom a file that root makes belongs to. */
  readonly owner?: LogFileOptions['owner'];
  /** Told once for each destination that fails. By default a line on standard error. */
  readonly warn?: (line: string) => void;
  /** Opens the log file; gives its descriptor. */
  readonly open?: (path: string) => number;
}

/** Who made the call that a line is about. */
export interface Caller {
  readonly pid: number;
  /** Number of its connection. */
  readonly connection?: number;
}

export interface Log {
  /** `times`: how many errors the line stands for; one where nothing is said. */
  error(line: string, caller?: Caller, times?: number): void;
  warn(line: string, caller?: Caller): void;
  info(line: string, caller?: Caller): void;
  debug(line: string, caller?: Caller): void;
  /** What no line of it shows. */
  readonly secrets: Secrets;
}

interface Target {
  write(line: string): void;
}

const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
/** What a destination that does not take lines may hold back before lines are dropped. */
const MAX_HELD_BYTES = 1024 * 1024;
const INFO = 30;

/** `MHSM-PKCS11-<pid>-<YYYYMMDD>-<HHMMSS>.log`, local time: the closed library's name of its log. */
export function logFileName(pid: number, now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `MHSM-PKCS11-${pid}-${date}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.log`;
}

/**
 * JSON escapes a line end and what is below a blank; terminals and viewers also act on DEL, the C1 controls, the line
 * ends of Unicode, and what turns the direction of writing. They stand within JSON texts only, so their escape is JSON.
 */
function escapeControls(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Trouble with the log itself: standard error may be what is left. */
export function warnOnStandardError(line: string): void {
  try {
    writeSync(STANDARD_ERROR, `${line}\n`);
  } catch {
    // Nobody is left to tell.
  }
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** A standard stream that may fail (reader gone) without taking the process along. */
function standardStream(fd: number): Target {
  const target = destination({ fd, sync: true, maxLength: MAX_HELD_BYTES });
  target.on('error', () => undefined);
  return target;
}

function headOf({ head }: LogOptions, secrets: Secrets): () => string {
  if (head === undefined) return () => '';
  return () => {
    const record = { level: INFO, time: new Date().toISOString(), msg: head.line, ...head.values };
    const json = JSON.stringify(record, (_key, value) => (typeof value === 'string' ? secrets.redact(value) : value));
    return `${escapeControls(json)}\n`;
  };
}

function logFile({ directory, flags }: LogSettings, options: LogOptions, secrets: Secrets): Target | undefined {
  const { warn = warnOnStandardError, open, owner } = options;
  try {
    return new LogFile({
      path: join(directory, logFileName(process.pid, new Date())),
      head: headOf(options, secrets),
      closeAfterWrite: flags.CloseFileAfterWrite,
      owner,
      warn,
      ...(open && { open }),
    });
  } catch (error) {
    warn(`mhsm-pkcs11: there is no log in ${directory}: ${wordsOf(error)}`);
    return undefined;
  }
}

function targetsOf(settings: LogSettings, options: LogOptions, secrets: Secrets): Target[] {
  const { flags } = settings;
  const targets = [
    flags.SendToStdOut ? standardStream(STANDARD_OUTPUT) : undefined,
    flags.SendToStdErr ? standardStream(STANDARD_ERROR) : undefined,
    flags.SendToFile ? logFile(settings, options, secrets) : undefined,
  ];
  return targets.filter((target) => target !== undefined);
}

/** A log as the configuration wants it. Never throws: trouble with a destination is told to `warn`. */
export function createLog(settings: LogSettings, options: LogOptions = {}): Log {
  const { FunctionLevelTrace, P11Interfaces } = settings.module;
  const { IncludeProcessId, IncludeThreadId } = settings.flags;
  const level = FunctionLevelTrace || P11Interfaces ? 'debug' : 'info';
  const secrets = new Secrets();
  const streams = targetsOf(settings, options, secrets).map((target) => ({
    stream: { write: (json: string) => target.write(escapeControls(json)) },
    level,
  }));
  const logger: Logger = pino(
    { level: streams.length === 0 ? 'silent' : level, base: null, timestamp: stdTimeFunctions.isoTime },
    multistream(streams),
  );
  const about = (caller: Caller | undefined, times: number) => ({
    ...(times > 1 && { times }),
    ...(IncludeProcessId && { pid: caller?.pid ?? process.pid }),
    ...(IncludeThreadId && caller && { connection: caller.connection }),
  });
  const at =
    (name: 'error' | 'warn' | 'info' | 'debug') =>
    (line: string, caller?: Caller, times = 1) => {
      if (logger.isLevelEnabled(name)) logger[name](about(caller, times), secrets.redact(line));
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug'), secrets };
}
