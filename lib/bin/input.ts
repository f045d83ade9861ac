import { createReadStream, readFileSync } from 'node:fs';
import { FailedError } from './program.ts';

function cannotRead(file: string, error: unknown): FailedError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new FailedError(
    `cannot read ${file}: ${code ?? message}`,
    'name a file that exists and that this user may read',
  );
}

/** The parts of a file, or of standard input when there is no file or it is `-`. Throws FailedError. */
export async function* partsOf(file: string | undefined): AsyncGenerator<Uint8Array> {
  const [name, stream] =
    file === undefined || file === '-' ? ['standard input', process.stdin] : [file, createReadStream(file)];
  try {
    for await (const part of stream) yield part as Uint8Array;
  } catch (error) {
    throw cannotRead(name, error);
  }
}

/** A whole small file. Throws FailedError. */
export function bytesOfFile(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw cannotRead(file, error);
  }
}
