import { createReadStream } from 'node:fs';
import { FailedError } from './program.ts';

/** Whether a file option or argument means standard input: `-`, or nothing where it may be left out. */
export function isStandardInput(file: string | undefined): boolean {
  return file === undefined || file === '-';
}

/** As messages name it. */
function nameOf(file: string | undefined): string {
  return file === undefined || file === '-' ? 'standard input' : file;
}

function cannotRead(file: string, error: unknown): FailedError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new FailedError(
    `cannot read ${file}: ${code ?? message}`,
    'name a file that exists and that this user may read',
  );
}

/** The parts of a file, or of standard input when there is no file or it is `-`. Throws FailedError. */
export async function* partsOf(file: string | undefined): AsyncGenerator<Uint8Array> {
  try {
    const stream = file === undefined || file === '-' ? process.stdin : createReadStream(file);
    for await (const part of stream) yield part as Uint8Array;
  } catch (error) {
    throw cannotRead(nameOf(file), error);
  }
}

/** More than any signature or encoding of one. */
const MAX_SIGNATURE_BYTES = 65_536;

/** The signature in a file, or in standard input for `-`. Throws FailedError. */
export async function readSignature(file: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of partsOf(file)) {
    parts.push(part);
    bytes += part.length;
    if (bytes <= MAX_SIGNATURE_BYTES) continue;
    const text = `${nameOf(file)} has more than ${MAX_SIGNATURE_BYTES} bytes, which no signature has`;
    throw new FailedError(text, 'name the file with the signature in --signature');
  }
  return Buffer.concat(parts);
}
