import type { Caller } from '../log/log.ts';
import type { Pkcs11Error } from '../pkcs11/error.ts';
import type { CallName } from '../wire/schema.ts';
import type { Peer } from './admission.ts';
import type { Report } from './dispatch.ts';
import { RepeatedLines } from './repeated-lines.ts';

export interface ReportLog {
  /** `times`: how many errors the line stands for; one where nothing is said. */
  error(line: string, caller?: Caller, times?: number): void;
  debug(line: string, caller?: Caller): void;
}

/** The name of all processes that are not admitted: their reasons are one, whatever they say of themselves. */
export const STRANGERS = '';
const MUTE_MS = 1000;
/** Different ones a second. */
const MAX_LINES = 256;
/** The same for the lines of all processes of a user. */
const MAX_TOLD = 4096;
/** For whom it is remembered what they were told. */
const MAX_USERS = 256;

/** Tells whether a line was said within the last second, or many others; if not, counts it as said now. */
export function createMute(nowMs: () => number, maxLines = MAX_LINES): (line: string) => boolean {
  const lastMs = new Map<string, number>();
  return (line) => {
    const now = nowMs();
    // In the order in which they were said.
    for (const [said, at] of lastMs) {
      if (now - at < MUTE_MS) break;
      lastMs.delete(said);
    }
    if (lastMs.has(line) || lastMs.size >= maxLines) return true;
    lastMs.set(line, now);
    return false;
  };
}

/**
 * Tells the same for each user by himself, so that none takes the lines of another. Of too many users the one who was told
 * something the longest ago is forgotten: he hears a line too often rather than never.
 */
function createMuteOfUsers(nowMs: () => number): (uid: number, line: string) => boolean {
  const mutes = new Map<number, (line: string) => boolean>();
  return (uid, line) => {
    const isMuted = mutes.get(uid) ?? createMute(nowMs, MAX_TOLD);
    mutes.delete(uid);
    const [longestAgo] = mutes.keys();
    if (longestAgo !== undefined && mutes.size >= MAX_USERS) mutes.delete(longestAgo);
    mutes.set(uid, isMuted);
    return isMuted(line);
  };
}

export interface Reports {
  /** For one connection of a process, which has a name among those of its user; strangers have none. */
  readonly to: (peer: Peer, process: string) => Report;
  /** Writes what is counted and not yet in the log. */
  readonly flush: () => void;
}

/** All whose processes are not admitted have their lines together, however many users they are. */
const ownerOf = ({ uid }: Peer, process: string) => (process === STRANGERS ? STRANGERS : `user ${uid}`);

/**
 * Makes a Report for each connection of a process. A line for the operator goes to the log at most once a second, with how
 * many it stands for, and to each process at most once a second, on however many connections its calls fail for the same
 * reason: every process hears its own reason, whatever those of other users do. Errors without a hint are the calling program's business: debug level, and
 * nothing on its standard error.
 */
export function createReports(log: ReportLog, nowMs: () => number): Reports {
  const lines = new RepeatedLines((line, caller, times) => log.error(line, caller, times));
  const wasTold = createMuteOfUsers(nowMs);
  const to = (peer: Peer, process: string) => (call: CallName, error: Pkcs11Error) => {
    if (error.hint === undefined) {
      log.debug(`${call}: ${error.line}`, peer);
      return '';
    }
    lines.say(error.line, `${call}: ${error.line}`, peer, ownerOf(peer, process));
    return wasTold(peer.uid, `${process} ${error.line}`) ? '' : error.line;
  };
  return { to, flush: () => lines.flush() };
}
