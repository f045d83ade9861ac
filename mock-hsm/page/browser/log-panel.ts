// The live request log: who did what, and why it was allowed or refused.
import { useEffect, useState } from 'preact/hooks';
import type { LogAnswer, LogLine } from '../api.ts';
import { duration, timeOfDay } from './format.ts';
import { html } from './html.ts';
import { Badge, Empty, Failure, Panel, Status, Table } from './pieces.ts';
import { getJson, messageOf } from './remote.ts';

const askEveryMs = 1000;
const shownLines = 200;

function useLog(filter: string, paused: boolean): { lines: readonly LogLine[]; failure: string | undefined } {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    if (paused) return undefined;
    const stop = new AbortController();
    let kept: readonly LogLine[] = [];
    let after = 0;
    let timer = 0;
    const ask = async () => {
      try {
        const query = new URLSearchParams({ after: String(after), filter });
        const answer = await getJson<LogAnswer>(`/mock/log?${query}`, stop.signal);
        after = answer.last;
        kept = [...answer.lines.toReversed(), ...kept].slice(0, shownLines);
        setLines(kept);
        setFailure(undefined);
      } catch (error) {
        if (!stop.signal.aborted) setFailure(messageOf(error));
      }
      if (!stop.signal.aborted) timer = setTimeout(ask, askEveryMs);
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [filter, paused]);
  return { lines, failure };
}

export function LogPanel() {
  const [filter, setFilter] = useState('');
  const [paused, setPaused] = useState(false);
  const { lines, failure } = useLog(filter, paused);
  const aside = html`
    <div class="tools">
      <input
        type="search"
        placeholder="Filter: sign, status:403, client"
        aria-label="Filter the request log"
        value=${filter}
        onInput=${(event: InputEvent) => setFilter((event.target as HTMLInputElement).value)}
      />
      <button type="button" aria-pressed=${paused} onClick=${() => setPaused(!paused)}>${paused ? 'Resume' : 'Pause'}</button>
    </div>
  `;
  return html`
    <${Panel} title="Requests" aside=${aside}>
      <${Failure} text=${failure} />
      ${
        lines.length === 0
          ? html`<${Empty}>${filter === '' ? 'No requests yet.' : 'No request matches the filter.'}<//>`
          : html`
              <div class="log"><${Table} label="Request log" columns=${['Time (UTC)', 'Who', 'Operation', 'Key', 'Why', 'Status', '#Duration']}>
                ${lines.map((line) => html`<${Line} key=${line.sequence} line=${line} />`)}
              <//></div>
            `
      }
    <//>
  `;
}

function Line({ line }: { line: LogLine }) {
  const {
    sequence,
    time,
    who,
    principal,
    operation,
    method,
    path,
    key,
    algorithm,
    role,
    reason,
    fault,
    status,
    durationMs,
  } = line;
  return html`
    <tr title=${`${method} ${path} (request ${sequence}, connection ${line.connection})`}>
      <td class="time">${timeOfDay(time)}</td>
      <td>${who ?? principal ?? html`<span class="faint">–</span>`}</td>
      <td>${operation}${algorithm !== undefined && html` <span class="faint">${algorithm}</span>`}</td>
      <td>${key !== undefined && html`<a href=${`#keys/${encodeURIComponent(key)}`}>${key}</a>`}</td>
      <td class="why">
        ${fault !== undefined && html`<${Badge} tone="warn">fault: ${fault}<//> `}
        ${reason === undefined ? html`<span class="faint">${role}</span>` : reason}
      </td>
      <td><${Status} of=${status} /></td>
      <td class="number">${duration(durationMs)}</td>
    </tr>
  `;
}
