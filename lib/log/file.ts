/** A log file that may be moved, removed or full, without harm to the process that writes it. */

import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lchownSync,
  mkdirSync,
  openSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

export interface LogFileOptions {
  readonly path: string;
  /** First line of every new file, with its line end; empty for none. */
  readonly head: () => string;
  readonly closeAfterWrite: boolean;
  /** Whom a file that root makes belongs to: the user that the process will be. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** Opens the file; gives its descriptor. */
  readonly open?: (path: string) => number;
  /** Writes what it can from a place on; gives how many bytes. */
  readonly write?: (fd: number, bytes: Buffer, from: number) => number;
  readonly nowMs?: () => number;
  /** Told when lines are lost, and when none is any more; when a file that was moved cannot be replaced. */
  readonly warn: (line: string) => void;
}

/** A disk on which some lines have room and others not is one trouble until no line was lost for so long. */
const WELL_MS = 1000;

const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
type Owner = LogFileOptions['owner'];

/** A file that nobody had; undefined when the name is taken. */
function openNew(path: string, owner: Owner): number | undefined {
  try {
    const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0o640);
    if (owner !== undefined && process.getuid?.() === 0) fchownSync(fd, owner.uid, owner.gid);
    return fd;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw error;
  }
}

/** Not a pipe, on which opening waits for a reader, nor a link to a file of somebody else. */
function openOld(path: string): number {
  const fd = openSync(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
  const stat = fstatSync(fd);
  if (stat.isFile() && stat.nlink <= 1) return fd;
  closeSync(fd);
  throw new Error(`${path} ${stat.isFile() ? 'has another name as well' : 'is no regular file'}: remove it`);
}

/** The name can be guessed: what others put in its place is neither followed nor given away. */
function openAppending(path: string, owner: Owner): number {
  return openNew(path, owner) ?? openOld(path);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export class LogFile {
  readonly #options: LogFileOptions;
  readonly #open: (path: string) => number;
  readonly #write: (fd: number, bytes: Buffer, from: number) => number;
  readonly #nowMs: () => number;
  #fd: number | undefined;
  /** Device and inode of the open file. */
  #identity = '';
  /** The last line stands there without its end. */
  #isTorn = false;
  /** Lines, in this trouble. */
  #lost = 0;
  #lostMs = 0;
  /** Told that a file that was moved goes on. */
  #toldMoved = false;

  /** Throws when the file cannot be opened. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#open = options.open ?? ((path) => openAppending(path, options.owner));
    this.#write = options.write ?? writeSync;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#makeFolder();
    this.#reopen();
    this.#begin();
  }

  /** Appends lines. Never throws: `warn` is told. */
  write(lines: string): void {
    try {
      if (!this.#isInPlace()) this.#replace();
      this.#append(lines);
      if (this.#options.closeAfterWrite) this.#close();
    } catch (error) {
      return this.#lose(lines, error);
    }
    this.#isWell();
  }

  #makeFolder(): void {
    const folder = dirname(this.#options.path);
    const made = mkdirSync(folder, { recursive: true, mode: 0o750 });
    const { owner } = this.#options;
    // Not what a link leads to that somebody put in its place meanwhile.
    if (made !== undefined && owner !== undefined) lchownSync(folder, owner.uid, owner.gid);
  }

  /** False when the file was moved or removed, as log rotation does. What may not be looked at is taken as in place. */
  #isInPlace(): boolean {
    if (this.#fd === undefined) return false;
    try {
      const { dev, ino } = statSync(this.#options.path);
      return `${dev}:${ino}` === this.#identity;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ENOENT';
    }
  }

  /** Where no new file can be made (the folder is root's, the process no longer), the moved one is better than none. */
  #replace(): void {
    try {
      this.#reopen();
    } catch (error) {
      if (this.#fd === undefined) throw error;
      if (this.#toldMoved) return;
      this.#toldMoved = true;
      const { path, warn } = this.#options;
      warn(`mhsm-pkcs11: log lines go on into the file that was moved: ${path} cannot be opened: ${wordsOf(error)}`);
      return;
    }
    this.#toldMoved = false;
    this.#begin();
  }

  #reopen(): void {
    const fd = this.#open(this.#options.path);
    this.#close();
    this.#fd = fd;
    const { dev, ino } = fstatSync(fd);
    const identity = `${dev}:${ino}`;
    if (identity !== this.#identity) this.#isTorn = false;
    this.#identity = identity;
  }

  /** A file that is empty gets its head. */
  #begin(): void {
    if (this.#fd !== undefined && fstatSync(this.#fd).size === 0) this.#append(this.#options.head());
  }

  #append(text: string): void {
    if (this.#fd === undefined) return;
    const bytes = Buffer.from(this.#isTorn ? `\n${text}` : text, 'utf8');
    for (let written = 0; written < bytes.length; ) {
      written += this.#write(this.#fd, bytes, written);
      this.#isTorn = written < bytes.length;
    }
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #lose(lines: string, error: unknown): void {
    const { path, warn } = this.#options;
    if (this.#lost === 0) warn(`mhsm-pkcs11: log lines to ${path} are lost: ${wordsOf(error)}`);
    this.#lost += lines.split('\n').length - 1;
    this.#lostMs = this.#nowMs();
  }

  #isWell(): void {
    if (this.#lost === 0 || this.#nowMs() - this.#lostMs < WELL_MS) return;
    const { path, warn } = this.#options;
    warn(`mhsm-pkcs11: log lines to ${path} are written again; ${this.#lost} were lost`);
    this.#lost = 0;
  }
}
