// Small pieces that the views share.
import { html, type Node } from './html.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'plain';

export const Badge = ({ tone = 'plain', children }: { tone?: Tone; children?: Node }) =>
  html`<span class=${`badge ${tone}`}>${children}</span>`;

/** A titled box; `aside` stands beside the title. */
export const Panel = ({ title, aside, children }: { title: string; aside?: Node; children?: Node }) => html`
  <section class="panel">
    <header><h2>${title}</h2>${aside}</header>
    ${children}
  </section>
`;

export const Empty = ({ children }: { children?: Node }) => html`<p class="empty">${children}</p>`;

export const Failure = ({ text }: { text: string | undefined }) =>
  text === undefined ? null : html`<p class="failure" role="alert">${text}</p>`;

/** Column titles; one that begins with `#` is of numbers. */
export const Table = ({ columns, label, children }: { columns: readonly string[]; label: string; children?: Node }) =>
  html`
    <div class="scroll" role="region" aria-label=${label} tabindex="0">
      <table>
        <thead>
          <tr>${columns.map((title) => html`<th scope="col" class=${title.startsWith('#') ? 'number' : ''}>${title.replace('#', '')}</th>`)}</tr>
        </thead>
        <tbody>${children}</tbody>
      </table>
    </div>
  `;

/** The name of an operation; where there is little room, it breaks between its words. */
export const Operation = ({ name }: { name: string }) =>
  html`<span class="operation">${name.split(/(?=[A-Z])/).map((word, i) => [i > 0 && html`<wbr />`, word])}</span>`;

/** An id that need not be read to its end. */
export const Id = ({ of }: { of: string }) => html`<code class="id" title=${of}>${of}</code>`;

export function toneOfStatus(status: number): Tone {
  if (status === 0 || status >= 500) return 'bad';
  return status >= 400 ? 'warn' : 'good';
}

export const Status = ({ of }: { of: number }) => html`<${Badge} tone=${toneOfStatus(of)}>${of === 0 ? 'cut' : of}<//>`;
