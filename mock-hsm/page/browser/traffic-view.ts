// What goes on now: rates, latencies, connections, queue; by operation; the request log.
import { useEffect, useState } from 'preact/hooks';
import type { TrafficAnswer, TrafficSample } from '../api.ts';
import { count, duration, rate } from './format.ts';
import { html } from './html.ts';
import { LogPanel } from './log-panel.ts';
import { Empty, Failure, Operation, Panel, Status, Table } from './pieces.ts';
import { type Line, Plot } from './plot.ts';
import { getJson, messageOf } from './remote.ts';
import { byOperation, latencySeries, type Percentile, rateOf, shownSamples } from './traffic-summary.ts';

const askEveryMs = 1000;

/** All samples of the last minutes; each round asks for the new ones. */
function useSamples(): { samples: readonly TrafficSample[]; failure: string | undefined } {
  const [samples, setSamples] = useState<readonly TrafficSample[]>([]);
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    let kept: readonly TrafficSample[] = [];
    let stopped = false;
    let timer = 0;
    const ask = async () => {
      try {
        const answer = await getJson<TrafficAnswer>(`/mock/traffic?since=${kept.at(-1)?.timeMs ?? 0}`);
        kept = [...kept, ...answer.samples].slice(-shownSamples);
        setSamples(kept);
        setFailure(undefined);
      } catch (error) {
        setFailure(messageOf(error));
      }
      if (!stopped) timer = setTimeout(ask, askEveryMs);
    };
    void ask();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, []);
  return { samples, failure };
}

const Tile = ({ title, value, note }: { title: string; value: string; note: string }) => html`
  <div class="tile"><h2>${title}</h2><p class="figure">${value}</p><p class="note">${note}</p></div>
`;

export function TrafficView() {
  const { samples, failure } = useSamples();
  const last = samples.at(-1);
  const times = samples.map(({ timeMs }) => timeMs / 1000);
  const peak = Math.max(0, ...samples.map(rateOf));
  const of = (label: string, colour: string, value: (sample: TrafficSample) => number, filled = false): Line => ({
    label,
    colour,
    filled,
    values: samples.map(value),
  });
  const latency = (label: Percentile, colour: string): Line => ({
    label,
    colour,
    values: latencySeries(samples, label),
  });
  const answered = samples.findLast(({ latencyMs }) => latencyMs !== undefined)?.latencyMs;
  return html`
    <${Failure} text=${failure} />
    <div class="tiles">
      <${Tile} title="Requests a second" value=${rate(last === undefined ? 0 : rateOf(last))} note=${`peak ${rate(peak)} in 5 minutes`} />
      <${Tile}
        title="Latency, p50"
        value=${answered === undefined ? '–' : duration(answered.p50)}
        note=${answered === undefined ? 'nothing answered yet' : `p95 ${duration(answered.p95)}, p99 ${duration(answered.p99)}`}
      />
      <${Tile} title="Connections" value=${count(last?.connections ?? 0)} note="TLS, open now" />
      <${Tile} title="Queue" value=${count(last?.queued ?? 0)} note="requests that wait for the HSM" />
    </div>
    <div class="plots three">
      <${Panel} title="Requests a second">
        <${Plot} label="Requests a second over time" times=${times} show=${rate} lines=${[of('requests/s', 'blue', rateOf, true)]} />
      <//>
      <${Panel} title="Latency">
        <${Plot}
          label="Latency percentiles over time"
          times=${times}
          show=${duration}
          lines=${[latency('p50', 'green'), latency('p95', 'amber'), latency('p99', 'red')]}
        />
      <//>
      <${Panel} title="Connections and queue">
        <${Plot}
          label="Open connections and queue length over time"
          times=${times}
          show=${count}
          lines=${[of('connections', 'violet', ({ connections }) => connections), of('queue', 'amber', ({ queued }) => queued, true)]}
        />
      <//>
    </div>
    <${Panel} title="By operation, last 5 minutes"><${Operations} samples=${samples} /><//>
    <${LogPanel} />
  `;
}

function Operations({ samples }: { samples: readonly TrafficSample[] }) {
  const rows = byOperation(samples);
  if (rows.length === 0) return html`<${Empty}>No requests yet. Point a client at ${location.origin}<//>`;
  return html`
    <${Table} label="Requests by operation" columns=${['Operation', '#Requests', '#Mean', 'Status']}>
      ${rows.map(
        ({ operation, requests, meanMs, statuses }) => html`
          <tr key=${operation}>
            <td><${Operation} name=${operation} /></td>
            <td class="number">${count(requests)}</td>
            <td class="number">${duration(meanMs)}</td>
            <td class="rest">${statuses.map(([status, times]) => html`<span class="pair"><${Status} of=${status} /> ${count(times)}</span> `)}</td>
          </tr>
        `,
      )}
    <//>
  `;
}
