import { CKR_GENERAL_ERROR } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type { Peer } from './admission.ts';
import { OperationPlaces } from './operation-places.ts';
import { type ClientSessions, UserSessions } from './user-sessions.ts';

/** What one client process has here: its sessions and logins, shared by all its connections. */
export interface Client<A> {
  readonly application: A;
  readonly places: OperationPlaces;
  /** True when an earlier connection of the same instance is still open. */
  readonly known: boolean;
  /** Call once when the connection closes; the last one ends the application. */
  release(): void;
}

interface Entry<A> {
  application: A;
  places: OperationPlaces;
  peer: Peer;
  connections: number;
  sessions: ClientSessions;
}

/** The client processes by the instance id that each draws for itself. An application ends with its last connection. */
export class Clients<A> {
  readonly #entries = new Map<string, Entry<A>>();
  readonly #users = new UserSessions();
  readonly #create: (sessions: ClientSessions) => A;

  constructor(create: (sessions: ClientSessions) => A) {
    this.#create = create;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Who is here, in the order of coming. */
  get all(): readonly { readonly application: A; readonly peer: Peer; readonly connections: number }[] {
    return [...this.#entries.values()];
  }

  /** Throws CKR_GENERAL_ERROR when another process uses this instance id: it would reach sessions that are not its own. */
  join(instance: Uint8Array, peer: Peer): Client<A> {
    const id = Buffer.from(instance).toString('hex');
    const existing = this.#entries.get(id);
    if (existing !== undefined && (existing.peer.pid !== peer.pid || existing.peer.uid !== peer.uid)) {
      throw new Pkcs11Error(
        CKR_GENERAL_ERROR,
        `process ${peer.pid} used the instance id of process ${existing.peer.pid}`,
      );
    }
    const entry = existing ?? this.#entryOf(peer);
    if (existing === undefined) this.#entries.set(id, entry);
    entry.connections++;
    const { application, places } = entry;
    return { application, places, known: existing !== undefined, release: () => this.#release(id, entry) };
  }

  #entryOf(peer: Peer): Entry<A> {
    const sessions = this.#users.of(peer.uid);
    return { application: this.#create(sessions), places: new OperationPlaces(), peer, connections: 0, sessions };
  }

  #release(id: string, entry: Entry<A>): void {
    entry.connections--;
    if (entry.connections > 0) return;
    this.#entries.delete(id);
    entry.sessions.end();
  }
}
