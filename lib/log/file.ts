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
  /** Told once when lines are lost. */
  readonly warn: (line: string) => void;
}

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

function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text, 'utf8');
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}

export class LogFile {
  readonly #options: LogFileOptions;
  readonly #open: (path: string) => number;
  #fd: number | undefined;
  /** Device and inode of the open file. */
  #identity = '';
  #told = false;

  /** Throws when the file cannot be opened. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#open = options.open ?? ((path) => openAppending(path, options.owner));
    this.#makeFolder();
    this.#reopen();
  }

  /** Appends lines. Never throws: the first failure is told to `warn`. */
  write(lines: string): void {
    try {
      if (!this.#isInPlace()) this.#reopenIfPossible();
      if (this.#fd === undefined) return;
      writeWhole(this.#fd, lines);
      if (this.#options.closeAfterWrite) this.#close();
    } catch (error) {
      this.#tell(error);
    }
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
  #reopenIfPossible(): void {
    try {
      this.#reopen();
    } catch (error) {
      this.#tell(error);
    }
  }

  #reopen(): void {
    const { path, head } = this.#options;
    const fd = this.#open(path);
    this.#close();
    this.#fd = fd;
    const { dev, ino, size } = fstatSync(fd);
    this.#identity = `${dev}:${ino}`;
    if (size === 0) writeWhole(fd, head());
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #tell(error: unknown): void {
    if (this.#told) return;
    this.#told = true;
    const why = error instanceof Error ? error.message : String(error);
    this.#options.warn(`mhsm-pkcs11: log lines to ${this.#options.path} are lost: ${why}`);
  }
}
