import { readFileSync } from 'node:fs';
import type { Peer } from './admission.ts';

/** Connections of one user that have said no hello: a module says it at once, so more are of nobody who is honest. */
const MAX_UNGREETED = 256;
/** Descriptors for what is no connection of a peer: the runtime's own, logs, files that are read. */
const OTHER_DESCRIPTORS = 64;
const FEWEST_CONNECTIONS = 16;

/** Descriptors that this process may have open; infinite where that is not known. */
export function descriptorLimit(limits = readFileSync('/proc/self/limits', 'utf8')): number {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

/** Connections of peers that leave the descriptors which connections to the HSMs need. */
export function mostConnections(descriptors: number, toHsms: number): number {
  return Math.max(FEWEST_CONNECTIONS, descriptors - OTHER_DESCRIPTORS - toHsms);
}

interface User {
  open: number;
  /** Those that have said no hello, the oldest first, each with what closes it. */
  readonly ungreeted: Map<Peer, () => void>;
}

/**
 * How many connections there may be, so that no user's processes keep out those of another: half of all are the most
 * that one has, and of those that say nothing the oldest goes when there are too many.
 */
export class ConnectionLimits {
  readonly #mostOfUser: number;
  readonly #users = new Map<number, User>();

  constructor(most: number) {
    this.#mostOfUser = Math.floor(most / 2);
  }

  /** False when the peer's user has its share. `close` is called when the connection has to make room. */
  enter(peer: Peer, close: () => void): boolean {
    const user = this.#users.get(peer.uid) ?? { open: 0, ungreeted: new Map() };
    if (user.open >= this.#mostOfUser) return false;
    this.#users.set(peer.uid, user);
    user.open++;
    if (user.ungreeted.size >= MAX_UNGREETED) this.#closeOldest(user);
    user.ungreeted.set(peer, close);
    return true;
  }

  #closeOldest({ ungreeted }: User): void {
    const [oldest] = ungreeted;
    if (oldest === undefined) return;
    ungreeted.delete(oldest[0]);
    oldest[1]();
  }

  /** It has said hello and was let in. */
  greeted(peer: Peer): void {
    this.#users.get(peer.uid)?.ungreeted.delete(peer);
  }

  /** Call once for each that entered, when its connection is closed. */
  leave(peer: Peer): void {
    const user = this.#users.get(peer.uid);
    if (user === undefined) return;
    user.ungreeted.delete(peer);
    if (--user.open === 0) this.#users.delete(peer.uid);
  }
}
