/**
 * The place of one operation in a session. An operation whose start has to ask the HSM claims the place first; when a
 * later start or an end comes in between, the earlier one finds its claim void and leaves the place alone.
 */
export class OperationPlace<T> {
  #claim = 0;
  #active: T | undefined;

  get active(): T | undefined {
    return this.#active;
  }

  /** Ends what is active, for a new start. */
  claim(): number {
    this.#active = undefined;
    this.#claim += 1;
    return this.#claim;
  }

  /** Puts the operation in its place; false when the claim is void. */
  start(claim: number, operation: T): boolean {
    if (claim !== this.#claim) return false;
    this.#active = operation;
    return true;
  }

  end(): void {
    this.#active = undefined;
    this.#claim += 1;
  }
}
