import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The process at the other end of a Unix socket when it connected, by the kernel's word. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

interface Addon {
  peerCredentials(descriptor: number): PeerCredentials;
  isListeningSocket(descriptor: number): boolean;
  stopReading(descriptor: number): void;
  harden(): void;
}

/** From this file in native/addon/, and from a bundle of it in dist/. */
const PLACES = ['../build/mhsm_addon.node', '../native/build/mhsm_addon.node'];

let loaded: Addon | undefined;

function addon(): Addon {
  if (loaded === undefined) {
    const paths = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
    const path = paths.find((candidate) => existsSync(candidate));
    if (path === undefined) throw new Error(`${paths[0]} is missing: build it with make -C native`);
    loaded = createRequire(import.meta.url)(path) as Addon;
  }
  return loaded;
}

/** The descriptor of an open socket. Node keeps it on the handle and offers no other way to it. */
export function descriptorOf(socket: object): number | undefined {
  const descriptor = (socket as { _handle?: { fd?: number } | null })._handle?.fd;
  return descriptor === undefined || descriptor < 0 ? undefined : descriptor;
}

/** Throws when the descriptor is no connected Unix socket. */
export function peerCredentials(descriptor: number): PeerCredentials {
  return addon().peerCredentials(descriptor);
}

/** True for a listening socket that a launcher or service manager passed on. */
export function isListeningSocket(descriptor: number): boolean {
  return addon().isListeningSocket(descriptor);
}

/**
 * Ends the reading of a connected Unix socket: what its peer sends from now on fails at once and unsent (EPIPE), what was sent
 * before can still be read, up to its end. Throws when there is no peer any more.
 */
export function stopReading(descriptor: number): void {
  addon().stopReading(descriptor);
}

/**
 * No core dumps, no reading of this process's memory by others of its user, no debugger of Node at SIGUSR1, and no program
 * that it starts gets more rights than it has. A change of user undoes the second: call it after that.
 */
export function harden(): void {
  addon().harden();
}
