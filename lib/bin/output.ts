import { writeFileSync } from 'node:fs';
import { FailedError } from './program.ts';

/** Whether `--out` means standard output: `-`, or no option. */
export function isStandardOutput(file: string | undefined): file is undefined | '-' {
  return file === undefined || file === '-';
}

/** Writes to the file, or to standard output when there is none or it is `-`. */
export function writeOutput(file: string | undefined, bytes: string | Uint8Array): void {
  if (isStandardOutput(file)) return void process.stdout.write(bytes);
  try {
    writeFileSync(file, bytes);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new FailedError(
      `cannot write ${file}: ${code ?? message}`,
      'choose a file in a folder that exists and is yours',
    );
  }
}
