// Faults to switch on, the clock, and how fast the pool is.
import { useState } from 'preact/hooks';
import type { FaultView } from '../api.ts';
import { ClockPanel } from './clock-panel.ts';
import { FaultForm } from './fault-form.ts';
import { type FaultPreset, faultPresets, isFrom } from './fault-presets.ts';
import { count } from './format.ts';
import { html } from './html.ts';
import { Badge, Empty, Failure, Operation, Panel, Table } from './pieces.ts';
import { ProfilePanel } from './profile-panel.ts';
import { messageOf, send, usePolled } from './remote.ts';

const askEveryMs = 1000;

export function FaultsView() {
  const { data: faults, failure, reload } = usePolled<readonly FaultView[]>('/mock/faults', askEveryMs);
  const [refusal, setRefusal] = useState<string>();
  const change = (method: 'POST' | 'DELETE', path: string, body?: unknown) =>
    send(method, path, body)
      .then(
        () => setRefusal(undefined),
        (error: unknown) => setRefusal(messageOf(error)),
      )
      .finally(reload);
  const all = faults ?? [];
  return html`
    <${Failure} text=${failure ?? refusal} />
    <${Panel} title="Common faults" aside=${html`<p class="hint">They befall clients, not this page.</p>`}>
      <div class="switches">
        ${faultPresets.map((preset) => html`<${Switch} key=${preset.title} preset=${preset} faults=${all} change=${change} />`)}
      </div>
    <//>
    <${Waiting} faults=${all} change=${change} />
    <details class="panel folded"><summary>Another fault</summary><${FaultForm} added=${reload} /></details>
    <div class="plots"><${ClockPanel} /><${ProfilePanel} /></div>
  `;
}

type Change = (method: 'POST' | 'DELETE', path: string, body?: unknown) => Promise<void>;

interface SwitchProps {
  readonly preset: FaultPreset;
  readonly faults: readonly FaultView[];
  readonly change: Change;
}

function Switch({ preset, faults, change }: SwitchProps) {
  const on = faults.filter((fault) => isFrom(preset, fault));
  const isOn = on.length > 0;
  const turn = async () => {
    if (!isOn) return change('POST', '/mock/faults', preset.fault);
    for (const { id } of on) await change('DELETE', `/mock/faults/${id}`);
  };
  return html`
    <button type="button" role="switch" aria-checked=${isOn} class="switch" onClick=${turn}>
      <span class="knob" aria-hidden="true"></span>
      <span><span class="switch-title">${preset.title}</span><span class="switch-note">${preset.note}</span></span>
    </button>
  `;
}

function Waiting({ faults, change }: { faults: readonly FaultView[]; change: Change }) {
  const clear = html`<button type="button" onClick=${() => change('DELETE', '/mock/faults')}>Remove all</button>`;
  return html`
    <${Panel} title="Faults that are on" aside=${faults.length > 0 && clear}>
      ${
        faults.length === 0
          ? html`<${Empty}>None: the pool answers as it should.<//>`
          : html`
              <${Table} label="Faults that are on" columns=${['Operation', 'Fault', '#Struck', '#Left', '']}>
                ${faults.map((fault) => html`<${Row} key=${fault.id} fault=${fault} change=${change} />`)}
              <//>
            `
      }
    <//>
  `;
}

function Row({ fault, change }: { fault: FaultView; change: Change }) {
  const { id, struck, left, operation, times: _, ...what } = fault;
  return html`
    <tr>
      <td><${Operation} name=${String(operation ?? 'any request')} /></td>
      <td class="rest">${Object.entries(what).map(([name, value]) => html`<${Badge}>${name}: ${String(value)}<//> `)}</td>
      <td class="number">${count(struck)}</td>
      <td class="number">${left === 'always' ? 'no end' : count(left)}</td>
      <td class="number"><button type="button" onClick=${() => change('DELETE', `/mock/faults/${id}`)}>Remove</button></td>
    </tr>
  `;
}
