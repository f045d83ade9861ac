/** Where agents listen: the same places, by the same rules, as the module looks for them (native/client/location.c). */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const SYSTEM_FOLDER = '/run/mhsm-pkcs11';
const HASH_START = 0xcbf29ce484222325n;
const HASH_FACTOR = 0x100000001b3n;

/** A place where an agent may listen. */
export interface AgentPlace {
  readonly socket: string;
  /** Its folder must be the user's own: others could make it in /tmp first. */
  readonly isPrivate: boolean;
}

/** One file has one name, however it was spelled. */
function realPath(file: string): string {
  try {
    return join(realpathSync(dirname(file)), basename(file));
  } catch {
    return file;
  }
}

/** `<16 hexadecimal digits>.sock`: FNV-1a, 64 bits, of the configuration's path. */
export function socketName(configurationFile: string): string {
  let hash = HASH_START;
  for (const byte of Buffer.from(realPath(configurationFile))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * HASH_FACTOR);
  }
  return `${hash.toString(16).padStart(16, '0')}.sock`;
}

/** The places for a configuration file (absolute path), in the order in which the module of this user tries them. */
export function agentPlaces(configurationFile: string, environment: NodeJS.ProcessEnv, uid: number): AgentPlace[] {
  const { MHSM_PKCS11_SOCKET: socket, XDG_RUNTIME_DIR: runtime } = environment;
  if (socket) return [{ socket, isPrivate: false }];
  const name = socketName(configurationFile);
  const system = { socket: join(SYSTEM_FOLDER, name), isPrivate: false };
  if (uid === 0) return [system];
  const own = runtime?.startsWith('/') ? join(runtime, 'mhsm-pkcs11') : `/tmp/mhsm-pkcs11-${uid}`;
  return [system, { socket: join(own, name), isPrivate: true }];
}

/** False where another user could stand in for the agent. */
export function isSafe({ socket, isPrivate }: AgentPlace, uid: number): boolean {
  if (!isPrivate) return true;
  const folder = lstatSync(dirname(socket), { throwIfNoEntry: false });
  return folder === undefined || (folder.isDirectory() && folder.uid === uid && (folder.mode & 0o077) === 0);
}
