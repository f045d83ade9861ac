import { statSync } from 'node:fs';

/**
 * Which version of a file is there: device, inode, size, seconds and nanoseconds of its last change; empty when it
 * cannot be looked at. The shim sends the same numbers as it sees them.
 */
export type FileVersion = readonly number[];

/** Undefined when this user may not look; empty when there is no such file. */
export function fileVersion(file: string): FileVersion | undefined {
  try {
    const { dev, ino, size, mtimeNs } = statSync(file, { bigint: true });
    return [dev, ino, size, mtimeNs / 1_000_000_000n, mtimeNs % 1_000_000_000n].map(Number);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : [];
  }
}

export function sameVersion(a: FileVersion, b: FileVersion): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
