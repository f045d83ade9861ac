import { element } from './element.ts';

export interface Option<Value> {
  readonly value: Value;
  readonly name: string;
}

/** A labelled select box. `offer` changes what there is to choose from, and keeps the choice while it is among it. */
export class Choice<Value> {
  readonly element: HTMLLabelElement;
  readonly #select: HTMLSelectElement;
  #options: readonly Option<Value>[] = [];

  constructor(label: string, changed: () => void) {
    this.#select = element('select', { onchange: changed, ariaLabel: label });
    this.element = element('label', {}, element('span', {}, label), this.#select);
  }

  /** @param usual what is chosen as long as nobody chose, or when their choice is gone */
  offer(options: readonly Option<Value>[], usual?: Value): void {
    const chosen = this.#options.length === 0 ? usual : this.#options[this.#select.selectedIndex]?.value;
    this.#options = options;
    this.#select.replaceChildren(...options.map(({ name }) => element('option', {}, name)));
    const places = [chosen, usual].map((value) => options.findIndex((option) => option.value === value));
    this.#select.selectedIndex = Math.max(0, places.find((place) => place >= 0) ?? 0);
    this.element.hidden = options.length === 0;
  }

  /** Undefined when there is nothing to choose from. */
  get value(): Value | undefined {
    return this.#options[this.#select.selectedIndex]?.value;
  }
}
