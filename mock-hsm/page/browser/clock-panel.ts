// The clock that keys and tokens go by: expiry and rotation need no waiting.
import { useState } from 'preact/hooks';
import type { ClockAnswer } from '../api.ts';
import { html } from './html.ts';
import { Badge, Failure, Panel } from './pieces.ts';
import { messageOf, send, usePolled } from './remote.ts';

const askEveryMs = 1000;

const steps: readonly (readonly [title: string, advance: string])[] = [
  ['+1 minute', '1m'],
  ['+1 hour', '1h'],
  ['+1 day', '1d'],
  ['+30 days', '30d'],
];

export function ClockPanel() {
  const { data: clock, failure, reload } = usePolled<ClockAnswer>('/mock/clock', askEveryMs);
  const [refusal, setRefusal] = useState<string>();
  const change = (method: 'POST' | 'DELETE', body?: unknown) =>
    send(method, '/mock/clock', body)
      .then(
        () => setRefusal(undefined),
        (error: unknown) => setRefusal(messageOf(error)),
      )
      .finally(reload);
  if (clock === undefined) return html`<${Panel} title="Clock"><${Failure} text=${failure} /><//>`;
  const { now, frozen, offsetMs } = clock;
  return html`
    <${Panel} title="Clock" aside=${frozen ? html`<${Badge} tone="warn">frozen<//>` : html`<${Badge} tone="good">running<//>`}>
      <p class="clock">${now.slice(0, 19).replace('T', ' ')} UTC</p>
      <p class="hint">${offsetText(offsetMs)}; keys, tokens and the log go by it, TLS does not.</p>
      <div class="buttons">
        <button type="button" onClick=${() => change('POST', frozen ? { run: true } : { freeze: true })}>${frozen ? 'Run' : 'Freeze'}</button>
        ${steps.map(([title, advance]) => html`<button type="button" key=${title} onClick=${() => change('POST', { advance })}>${title}</button>`)}
        <button type="button" onClick=${() => change('DELETE')}>Reset</button>
      </div>
      <${Failure} text=${refusal ?? failure} />
    <//>
  `;
}

function offsetText(offsetMs: number): string {
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  if (seconds < 2) return 'The time of this machine';
  const days = Math.floor(seconds / 86_400);
  const rest = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  return `${days > 0 ? `${days} d ` : ''}${rest} ${offsetMs > 0 ? 'ahead of' : 'behind'} this machine`;
}
