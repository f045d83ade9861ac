import type { BegunOperations } from '../core/application.ts';

const FEWEST_BEFORE_SWEEP = 64;

/**
 * On which connection the operation of each session goes on: that of its last call, several on one where a process has more
 * operations than it makes connections. What ended unseen (with its session, say) is swept out as the list grows.
 */
export class OperationPlaces {
  readonly #places = new Map<number, object>();
  /** The same by connection: an agent that ends asks for each of thousands. */
  readonly #sessions = new WeakMap<object, Set<number>>();
  #sweepAt = FEWEST_BEFORE_SWEEP;

  /** A call that belongs to the session's operation was made on that connection; true when the operation goes on. */
  note(session: number, connection: object, operations: BegunOperations): boolean {
    const goesOn = operations.has(session);
    if (!goesOn || this.#places.get(session) !== connection) this.#forget(session);
    if (goesOn) this.#remember(session, connection);
    if (this.#places.size >= this.#sweepAt) this.#sweep(operations);
    return goesOn;
  }

  #remember(session: number, connection: object): void {
    this.#places.set(session, connection);
    const sessions = this.#sessions.get(connection);
    if (sessions === undefined) this.#sessions.set(connection, new Set([session]));
    else sessions.add(session);
  }

  #forget(session: number): void {
    const connection = this.#places.get(session);
    if (connection === undefined) return;
    this.#places.delete(session);
    this.#sessions.get(connection)?.delete(session);
  }

  #sweep(operations: BegunOperations): void {
    for (const session of this.#places.keys()) if (!operations.has(session)) this.#forget(session);
    this.#sweepAt = Math.max(FEWEST_BEFORE_SWEEP, 2 * this.#places.size);
  }

  /** Some operation goes on on that connection. */
  isPlace(connection: object, operations: BegunOperations): boolean {
    for (const session of this.#sessions.get(connection) ?? []) {
      if (operations.has(session)) return true;
      this.#forget(session);
    }
    return false;
  }

  /** Those that are remembered, ended or not. */
  get size(): number {
    return this.#places.size;
  }
}
