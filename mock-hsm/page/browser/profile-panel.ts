// How fast the pool is.
import { useState } from 'preact/hooks';
import type { ProfileAnswer } from '../api.ts';
import { html } from './html.ts';
import { Failure, Panel } from './pieces.ts';
import { messageOf, send, usePolled } from './remote.ts';

const askEveryMs = 2000;

const profiles: readonly (readonly [name: string, note: string])[] = [
  ['none', 'no limits'],
  ['standard-b1', 'as published'],
];

export function ProfilePanel() {
  const { data: profile, failure, reload } = usePolled<ProfileAnswer>('/mock/profile', askEveryMs);
  const [refusal, setRefusal] = useState<string>();
  const change = (body: unknown) =>
    send('PATCH', '/mock/profile', body)
      .then(
        () => setRefusal(undefined),
        (error: unknown) => setRefusal(messageOf(error)),
      )
      .finally(reload);
  if (profile === undefined) return html`<${Panel} title="Profile"><${Failure} text=${failure} /><//>`;
  const chosen = (event: Event) => (event.currentTarget as HTMLInputElement | HTMLSelectElement).value;
  return html`
    <${Panel} title="Profile" aside=${html`<p class="hint">${profile.lanes.busy} of ${profile.lanes.all} lanes busy</p>`}>
      <div class="form">
        <label>
          <span>Capacity</span>
          <select value=${profile.profile} onChange=${(event: Event) => change({ profile: chosen(event) })}>
            ${profiles.map(([name, note]) => html`<option key=${name} value=${name}>${name}: ${note}</option>`)}
          </select>
        </label>
        <label>
          <span>Partitions up</span>
          <select value=${String(profile.partitions)} onChange=${(event: Event) => change({ partitions: Number(chosen(event)) })}>
            ${[1, 2, 3].map((each) => html`<option key=${each} value=${String(each)}>${each} of 3</option>`)}
          </select>
        </label>
        <label>
          <span>Network latency</span>
          <input value=${profile.latency} autocomplete="off" placeholder="5ms±1ms" onChange=${(event: Event) => change({ latency: chosen(event) })} />
        </label>
      </div>
      <${Failure} text=${refusal ?? failure} />
    <//>
  `;
}
