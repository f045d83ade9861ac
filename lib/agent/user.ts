import { readFileSync } from 'node:fs';

export interface User {
  uid: number;
  gid: number;
}

/** First of the ids that systemd keeps for users without a name (DynamicUser); nobody else's processes have them. */
const FIRST_UNNAMED_UID = 61_184;
const UNNAMED_UIDS = 4_336;
const SERVICE_USER = 'mhsm-pkcs11';

/** A user by name or number in the text of /etc/passwd; a number needs no entry. */
export function findUser(nameOrUid: string | number, passwd: string): User | undefined {
  const wanted = String(nameOrUid);
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (uid === undefined || gid === undefined) continue;
    if (name === wanted || uid === wanted) return { uid: Number(uid), gid: Number(gid) };
  }
  return /^\d+$/.test(wanted) ? { uid: Number(wanted), gid: Number(wanted) } : undefined;
}

function readPasswd(): string {
  return readFileSync('/etc/passwd', 'utf8');
}

/** Throws an Error that names the user when there is none of this name. */
export function userOf(nameOrUid: string | number, key: string): User {
  const user = findUser(nameOrUid, readPasswd());
  if (user === undefined) throw new Error(`${key}: there is no user ${JSON.stringify(nameOrUid)} on this system`);
  return user;
}

/**
 * Whom an agent started by root runs as when the configuration names nobody: the user `mhsm-pkcs11` if there is one,
 * else an id of its own without a name, chosen by the configuration file's path.
 */
export function defaultAgentUser(configurationFile: string, passwd = readPasswd()): User {
  const named = findUser(SERVICE_USER, passwd);
  if (named !== undefined) return named;
  let sum = 0;
  for (const byte of Buffer.from(configurationFile)) sum = (sum * 31 + byte) % UNNAMED_UIDS;
  return { uid: FIRST_UNNAMED_UID + sum, gid: FIRST_UNNAMED_UID + sum };
}

function mayBecomeRoot(): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch {
    return false;
  }
}

/** Gives up root for good, or throws. `harden` comes after it: changing the uid makes a process dumpable or not as the system likes. */
export function becomeUser(user: User): void {
  process.setgroups?.([user.gid]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
  if (user.uid !== 0 && mayBecomeRoot())
    throw new Error(`user id ${user.uid} can become root again: nothing is served`);
}
