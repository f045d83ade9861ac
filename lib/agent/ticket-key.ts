/** The key of tickets under a service manager: in the service's runtime folder, so that it outlives the agent. */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { TICKET_KEY_BYTES } from './ticket.ts';

const NAME = 'ticket-key';
/** What anybody but the owner could do with a file. */
const OTHERS = 0o077;
/** Keys on their way to that name; of no use any more when the key is there. */
const UNFINISHED = new RegExp(`^${NAME}\\.[0-9a-f]+$`);

/** Of two agents that start at once the first decides: a link is made whole or not at all. */
function make(file: string): void {
  // No process id: one that was killed here may have had the same.
  const own = `${file}.${randomBytes(8).toString('hex')}`;
  writeFileSync(own, randomBytes(TICKET_KEY_BYTES), { flag: 'wx', mode: 0o600 });
  try {
    linkSync(own, file);
  } catch (error) {
    // ENOENT: who was first has cleared ours away.
    if (!['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Once the key is there: what agents left that were killed while they made it. */
function clearUnfinished(folder: string): void {
  for (const name of readdirSync(folder)) if (UNFINISHED.test(name)) rmSync(join(folder, name), { force: true });
}

function read(file: string): Buffer | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(descriptor);
    const isOurs = stat.isFile() && stat.uid === getuid?.() && (stat.mode & OTHERS) === 0;
    if (!isOurs || stat.size !== TICKET_KEY_BYTES)
      throw new Error(`${file} is not a key that this user alone may read: remove it`);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The key in a folder (absolute path), made when there is none: whoever was admitted by an agent is by the next one too. Throws
 * when the file is not one that this user alone may read.
 */
export function keptTicketKey(folder: string): Uint8Array {
  const file = join(folder, NAME);
  let key = read(file);
  if (key === undefined) {
    make(file);
    key = read(file);
  }
  if (key === undefined) throw new Error(`${file} was removed again`);
  clearUnfinished(folder);
  return key;
}
