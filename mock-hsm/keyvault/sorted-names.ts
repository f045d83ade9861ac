/** Names in order, with cheap insertion and cheap pages. A page stays right while names come and go around it. */
export class SortedNames {
  readonly #names: string[] = [];

  add(name: string): void {
    const index = this.#indexOf(name);
    if (this.#names[index] !== name) this.#names.splice(index, 0, name);
  }

  remove(name: string): void {
    const index = this.#indexOf(name);
    if (this.#names[index] === name) this.#names.splice(index, 1);
  }

  /** Up to `count` names greater than `name`; '' starts at the first. */
  after(name: string, count: number): string[] {
    const index = this.#indexOf(name);
    const start = this.#names[index] === name ? index + 1 : index;
    return this.#names.slice(start, start + count);
  }

  all(): readonly string[] {
    return [...this.#names];
  }

  /** The position of the first name that is not less. */
  #indexOf(name: string): number {
    let [low, high] = [0, this.#names.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#names[middle] ?? '') < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
