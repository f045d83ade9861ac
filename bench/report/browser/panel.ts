import { element } from './element.ts';

/** A titled part of the page whose content follows its width. */
export class Panel {
  readonly element: HTMLElement;
  readonly #place = element('div', { className: 'place' });
  readonly #note = element('p', { className: 'note' });
  #draw: (width: number) => Node = nothing;
  #width = 0;

  constructor(title: string, choices: readonly HTMLElement[]) {
    const header = element('header', {}, element('h2', {}, title), element('div', { className: 'tools' }, ...choices));
    this.element = element('section', { className: 'panel' }, header, this.#place, this.#note);
    new ResizeObserver(() => {
      const width = this.#place.clientWidth;
      if (width === this.#width || width === 0) return;
      this.#width = width;
      this.#redraw();
    }).observe(this.#place);
  }

  /** @param note what the reader must know, below it */
  show(draw: (width: number) => Node, note: string): void {
    this.#draw = draw;
    this.#note.textContent = note;
    if (this.#width > 0) this.#redraw();
  }

  showNothing(): void {
    this.show(nothing, '');
  }

  #redraw(): void {
    this.#place.replaceChildren(this.#draw(this.#width));
  }
}

const nothing = (): Node => element('p', { className: 'empty' }, 'Nothing was measured for this choice.');
