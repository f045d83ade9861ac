// One key: its versions, each with its operations, attributes, tags and what PKCS#11 makes of the tags.
import { useState } from 'preact/hooks';
import type { KeyAnswer, VersionView } from '../api.ts';
import { time } from './format.ts';
import { html } from './html.ts';
import { KeyState, Validity } from './keys-view.ts';
import { Badge, Empty, Failure, Id, Panel, Table } from './pieces.ts';
import { usePolled } from './remote.ts';

const askEveryMs = 3000;

export function KeyView({ name }: { name: string }) {
  const { data: key, failure } = usePolled<KeyAnswer>(`/mock/keys/${encodeURIComponent(name)}`, askEveryMs);
  const [chosen, choose] = useState('');
  const version = key?.history.find((each) => each.version === chosen) ?? key?.history[0];
  return html`
    <p class="back"><a href="#keys">← All keys</a></p>
    <${Failure} text=${failure} />
    ${
      key !== undefined &&
      version !== undefined &&
      html`
        <${Panel} title=${key.name} aside=${html`<span><${KeyState} of=${key} /></span>`}>
          <${Facts} of=${key} version=${version} />
        <//>
        <${Versions} of=${key} shown=${version.version} choose=${choose} />
        <div class="plots">
          <${Panel} title="PKCS#11 attributes"><${Pkcs11} of=${version} /><//>
          <${Panel} title="Tags"><${Tags} of=${version} /><//>
        </div>
      `
    }
  `;
}

function Facts({ of: key, version }: { of: KeyAnswer; version: VersionView }) {
  const facts: (readonly [string, unknown])[] = [
    ['Label', key.label ?? '–'],
    ['Type', version.type],
    ['Version', html`<${Id} of=${version.version} />`],
    ['Operations', version.keyOps.map((op) => html`<${Badge}>${op}<//> `)],
    ['Valid', html`<${Validity} nbf=${version.nbf} exp=${version.exp} />`],
    ['Enabled', version.enabled ? 'yes' : 'no'],
    ['Exportable', version.exportable ? 'yes' : 'no'],
    ['Created', time(version.created)],
    ['Updated', time(version.updated)],
    ['Rotation policy', key.rotation ?? '–'],
    ...(key.scheduledPurgeDate === undefined ? [] : [['Will be purged', time(key.scheduledPurgeDate)] as const]),
  ];
  return html`<dl class="facts">${facts.map(([title, value]) => html`<div><dt>${title}</dt><dd>${value}</dd></div>`)}</dl>`;
}

interface VersionsProps {
  readonly of: KeyAnswer;
  /** The version whose details are shown. */
  readonly shown: string;
  readonly choose: (version: string) => void;
}

const Versions = ({ of: key, shown, choose }: VersionsProps) => html`
  <${Panel} title=${key.versions === 1 ? '1 version' : `${key.versions} versions`}>
    <${Table} label="Versions" columns=${['Version', 'Type', 'State', 'Valid', 'Created']}>
      ${key.history.map(
        (each) => html`
          <tr key=${each.version} class=${each.version === shown ? 'chosen' : ''}>
            <td><button type="button" class="link" aria-pressed=${each.version === shown} onClick=${() => choose(each.version)}><code>${each.version}</code></button></td>
            <td>${each.type}</td>
            <td><${Badge} tone=${each.enabled ? 'good' : 'warn'}>${each.enabled ? 'enabled' : 'disabled'}<//></td>
            <td><${Validity} nbf=${each.nbf} exp=${each.exp} /></td>
            <td class="time">${time(each.created)}</td>
          </tr>
        `,
      )}
    <//>
  <//>
`;

function Pkcs11({ of: { pkcs11 } }: { of: VersionView }) {
  if (pkcs11.length === 0) return html`<${Empty}>No tags <code>p11_pri_*</code> or <code>p11_pub_*</code>.<//>`;
  return html`
    <${Table} label="PKCS#11 attributes" columns=${['Object', 'Attribute', 'Value']}>
      ${pkcs11.map(
        ({ tag, object, attribute, value, damage }) => html`
          <tr key=${tag} title=${tag}>
            <td>${object}</td>
            <td><code>${attribute}</code></td>
            <td>
              <span class="value">${value}</span>
              ${damage !== undefined && html` <${Badge} tone="bad">damaged: expected ${damage}<//>`}
            </td>
          </tr>
        `,
      )}
    <//>
  `;
}

function Tags({ of: { tags } }: { of: VersionView }) {
  const entries = Object.entries(tags);
  if (entries.length === 0) return html`<${Empty}>No tags.<//>`;
  return html`
    <${Table} label="Tags" columns=${['Tag', 'Value']}>
      ${entries.map(
        ([name, text]) => html`<tr key=${name}><td><code>${name}</code></td><td class="value">${text}</td></tr>`,
      )}
    <//>
  `;
}
