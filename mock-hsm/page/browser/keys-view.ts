// The table of keys.
import { useState } from 'preact/hooks';
import type { KeyRow, KeysAnswer } from '../api.ts';
import { count, time } from './format.ts';
import { html } from './html.ts';
import { Badge, Empty, Failure, Panel, Table } from './pieces.ts';
import { usePolled } from './remote.ts';

const askEveryMs = 3000;

export function KeysView() {
  const [search, setSearch] = useState('');
  const { data, failure } = usePolled<KeysAnswer>(`/mock/keys?${new URLSearchParams({ search })}`, askEveryMs);
  const aside = html`
    <div class="tools">
      <input
        type="search"
        placeholder="Search: name, label, type, tag, deleted"
        aria-label="Search keys"
        value=${search}
        onInput=${(event: InputEvent) => setSearch((event.target as HTMLInputElement).value)}
      />
    </div>
  `;
  return html`
    <${Panel} title="Keys" aside=${aside}>
      <${Failure} text=${failure} />
      ${data !== undefined && html`<${Keys} answer=${data} />`}
    <//>
  `;
}

function Keys({ answer: { keys, matching, all } }: { answer: KeysAnswer }) {
  if (all === 0) {
    return html`<${Empty}>No keys yet. Create one with any client, for example <code>az keyvault key create</code>.<//>`;
  }
  if (matching === 0) return html`<${Empty}>None of ${count(all)} keys matches.<//>`;
  return html`
    <${Table} label="Keys" columns=${['Name', 'Label', 'Type', '#Versions', 'State', 'Valid', 'Created']}>
      ${keys.map((key) => html`<${Row} key=${key.name} of=${key} />`)}
    <//>
    <p class="footnote">
      ${keys.length < matching ? `The first ${count(keys.length)} of ${count(matching)} that match; ` : ''}${count(all)} ${all === 1 ? 'key' : 'keys'} in the pool
    </p>
  `;
}

const Row = ({ of: key }: { of: KeyRow }) => html`
  <tr>
    <td><a href=${`#keys/${encodeURIComponent(key.name)}`}>${key.name}</a></td>
    <td>${key.label}</td>
    <td>${key.type}</td>
    <td class="number">${key.versions}</td>
    <td><${KeyState} of=${key} /></td>
    <td><${Validity} nbf=${key.nbf} exp=${key.exp} /></td>
    <td class="time">${time(key.created)}</td>
  </tr>
`;

export const KeyState = ({ of: { enabled, scheduledPurgeDate, damaged } }: { of: KeyRow }) => html`
  ${
    scheduledPurgeDate === undefined
      ? html`<${Badge} tone=${enabled ? 'good' : 'warn'}>${enabled ? 'enabled' : 'disabled'}<//>`
      : html`<${Badge} tone="bad">deleted<//>`
  }
  ${damaged > 0 && html` <${Badge} tone="bad">damaged tags<//>`}
`;

/** @param nbf, exp unix seconds */
export function Validity({ nbf, exp }: { nbf?: number; exp?: number }) {
  if (nbf === undefined && exp === undefined) return html`<span class="faint">always</span>`;
  const from = nbf === undefined ? '' : `from ${time(nbf)}`;
  const until = exp === undefined ? '' : `until ${time(exp)}`;
  return html`<span class="time">${[from, until].filter(Boolean).join(' ')}</span>`;
}
