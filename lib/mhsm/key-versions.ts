import type { KeyVersion } from '../core/hsm.ts';

type Read = (name: string, version: string | undefined) => Promise<KeyVersion>;

const MAX_HELD = 1000;

/**
 * Key versions that were read. One version is read once and held as long as the key list, since its public key never
 * changes but its operations and dates may; what the newest version is, is asked each time. Single flight for both.
 */
export class KeyVersions {
  readonly #read: Read;
  readonly #ttlMs: number;
  readonly #nowMs: () => number;
  readonly #held = new Map<string, { readonly key: KeyVersion; readonly readMs: number }>();
  readonly #flights = new Map<string, Promise<KeyVersion>>();

  constructor(read: Read, ttlMs: number, nowMs: () => number) {
    this.#read = read;
    this.#ttlMs = ttlMs;
    this.#nowMs = nowMs;
  }

  /** The version, or the newest. Rejects as the read does. */
  get(name: string, version?: string): Promise<KeyVersion> {
    const id = `${name}/${version ?? ''}`;
    const held = this.#held.get(id);
    if (held !== undefined && this.#nowMs() - held.readMs < this.#ttlMs) return Promise.resolve(held.key);
    const flight = this.#flights.get(id) ?? this.#start(id, name, version);
    return flight;
  }

  /** Takes a version that came with another answer; gives it back. */
  remember(key: KeyVersion): KeyVersion {
    const id = `${key.name}/${key.version}`;
    this.#held.delete(id);
    this.#held.set(id, { key, readMs: this.#nowMs() });
    const oldest = this.#held.keys().next().value;
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.#held.delete(oldest);
    return key;
  }

  /** Before a change: whatever was read of the key, or is being read, is not to be given any more. */
  forget(name: string): void {
    for (const map of [this.#held, this.#flights]) {
      for (const id of map.keys()) if (id.startsWith(`${name}/`)) map.delete(id);
    }
  }

  #start(id: string, name: string, version: string | undefined): Promise<KeyVersion> {
    const flight: Promise<KeyVersion> = this.#read(name, version).then(
      (key) => (this.#land(id, flight) ? this.remember(key) : key),
      (error: unknown) => {
        this.#land(id, flight);
        throw error;
      },
    );
    this.#flights.set(id, flight);
    return flight;
  }

  /** False when the key was changed since the flight began. */
  #land(id: string, flight: Promise<KeyVersion>): boolean {
    return this.#flights.get(id) === flight && this.#flights.delete(id);
  }
}
