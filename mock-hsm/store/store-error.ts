// What can be wrong with a data folder, said so that its owner knows what to do.

/** The store cannot be opened, read or written. The message names the file, the cause and the cure. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

const noRight = 'give the user who runs mock-hsm the right to read and write the folder';

/** By SQLite's primary result code, or by Node's error code. */
const cures: Readonly<Record<string, string>> = {
  5: 'another mock-hsm is using it; stop that one or choose another --data-dir',
  8: `it is read-only; ${noRight}`,
  10: 'the file system refused; look at its health and at the limits for file sizes',
  11: 'it is damaged; put a copy back, or move the folder away to begin anew',
  13: 'no space is left; free some',
  14: `it is not accessible; ${noRight}`,
  26: 'it is not a database; move it away to begin anew',
  EACCES: `it is not accessible; ${noRight}`,
  EPERM: `it belongs to another user; ${noRight}`,
  EROFS: 'its file system is read-only; choose another --data-dir',
  ENOSPC: 'no space is left; free some',
  ENOTDIR: 'its path leads through a file; choose another --data-dir',
};

/** @param what for example `cannot write to FILE` */
export function storeError(what: string, cause: unknown): StoreError {
  const { errcode, code, message } = cause as { errcode?: number; code?: string; message?: string };
  const reason = message ?? String(cause);
  const cure = cures[errcode === undefined ? (code ?? '') : errcode & 0xff];
  return new StoreError(`${what}: ${cure === undefined ? reason : `${cure} (${reason})`}`, { cause });
}
