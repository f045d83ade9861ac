/** The status of an agent as a person reads it. */
import type { AgentStatus, SlotStatus } from '../agent/status.ts';
import { printable } from './terminal.ts';

const STEPS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

/** `2 d 3 h`, `4 min 10 s`, `0 s`: the two largest parts. */
export function durationText(seconds: number): string {
  let left = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [name, size] of STEPS) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0 || (size === 1 && parts.length === 0)) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, 2).join(' ');
}

type Row = readonly [string, string];

function rowsText(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => printable(name).length));
  return rows.map(([name, text]) => `  ${printable(name).padEnd(width)}  ${printable(text)}\n`).join('');
}

function lastText({ last }: SlotStatus['signatures'], nowMs: number): string {
  if (last === null) return '';
  return `, the last one ${durationText((nowMs - Date.parse(last.at)) / 1000)} ago with ${last.key}`;
}

function identityText(identity: SlotStatus['identities'][number]): string {
  const { tokenLeftSeconds, keyListAgeSeconds, keys } = identity;
  const token =
    tokenLeftSeconds > 0
      ? `token for ${durationText(tokenLeftSeconds)} more`
      : `token ended ${durationText(-tokenLeftSeconds)} ago`;
  const list =
    keyListAgeSeconds === null ? 'no key list yet' : `${keys} key(s) as of ${durationText(keyListAgeSeconds)} ago`;
  return `${token}, ${list}`;
}

function slotRows(slot: SlotStatus, nowMs: number): Row[] {
  const { connections, maxConnections, busyConnections, queued, signatures, identities } = slot;
  return [
    ['connections', `${connections} of at most ${maxConnections}, ${busyConnections} busy; ${queued} request(s) wait`],
    ['signatures', `${signatures.made} made, ${signatures.failed} failed${lastText(signatures, nowMs)}`],
    ...identities.map((identity): Row => [identity.name, identityText(identity)]),
    ...(identities.length === 0 ? [['identity', 'nobody has a token'] as const] : []),
  ];
}

function headRows({ configuration, clients }: AgentStatus): Row[] {
  const { file, changed, problem } = configuration;
  const note = changed ? ' (changed since: a server that starts or reloads takes it)' : '';
  return [
    ['configuration', `${file}${note}`],
    ...(problem === null ? [] : [['serves nobody', problem] as const]),
    ['clients', clients.length === 0 ? 'none' : `${clients.length} process(es)`],
    ...clients.map(
      ({ pid, uid, connections, sessions }): Row => [
        `  pid ${pid}`,
        `user id ${uid}, ${connections} connection(s), ${sessions} session(s)`,
      ],
    ),
  ];
}

/** Several lines, each with its end. */
export function statusText(status: AgentStatus, nowMs: number): string {
  const { pid, version, uid, uptimeSeconds, slots, recent } = status;
  const head = `agent ${pid}, version ${version}, as user id ${uid}, for ${durationText(uptimeSeconds)}\n`;
  const places = slots.map(
    (slot) =>
      `slot ${slot.slotId}, ${printable(slot.label)}, ${printable(slot.url)}\n${rowsText(slotRows(slot, nowMs))}`,
  );
  const said = recent.map(({ at, level, line, times }): Row => [at, `${level}, ${times}×: ${line}`]);
  const errors =
    said.length === 0 ? 'no errors and warnings\n' : `errors and warnings, the newest first\n${rowsText(said)}`;
  return [printable(head.trimEnd()), '\n', rowsText(headRows(status)), ...places, errors].join('');
}
