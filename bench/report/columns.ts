// The table of measurements: in Markdown and on the page the same.
import { KEY_TYPES, LOADS, SIGNERS } from '../coordinates.ts';
import type { Measurement } from '../result.ts';
import type { Enough } from './enough.ts';
import { figure, percent, remarksOn, roughly, SIGNER_NAMES, shareOf, speedName } from './wording.ts';

export interface Column<Row = Measurement> {
  readonly head: string;
  readonly isNumber: boolean;
  /** Empty where it says nothing. */
  readonly show: (row: Row) => string;
}

const text = (head: string, show: Column['show']): Column => ({ head, isNumber: false, show });
const number = (head: string, value: (measurement: Measurement) => number | null, say = figure): Column => ({
  head,
  isNumber: true,
  show: (measurement) => {
    const given = value(measurement);
    return given === null ? '' : say(given);
  },
});

const BOUND_NAMES = { connections: 'connections', capacity: 'HSM', unknown: '' } as const;

const inMiB = (kib: number | null) => (kib === null ? null : kib / 1024);

export const COLUMNS: readonly Column[] = [
  text('signer', ({ point }) => SIGNER_NAMES[point.signer]),
  text('HSM', ({ point }) => speedName(point.hsm)),
  number('workers', ({ point }) => point.workers, String),
  number('MaxConnections', ({ point }) => point.maxConnections, String),
  number('a second', ({ perSecond }) => perSecond),
  number('bound', ({ bound }) => bound.perSecond),
  number('share', shareOf, percent),
  text('bound by', ({ bound }) => BOUND_NAMES[bound.by]),
  number('processor busy', ({ processor }) => processor.busy, percent),
  number('processor ends at', ({ processor }) => processor.perSecond, roughly),
  number('p50 ms', ({ latencyMs }) => latencyMs.p50),
  number('p95 ms', ({ latencyMs }) => latencyMs.p95),
  number('p99 ms', ({ latencyMs }) => latencyMs.p99),
  text('remarks', (measurement) => remarksOn(measurement).join('; ')),
  number('agent cores', ({ cores }) => cores.agent),
  number('workers cores', ({ cores }) => cores.workers),
  number('agent MiB', ({ memoryKiB }) => inMiB(memoryKiB.agent)),
  number('worker MiB', ({ memoryKiB }) => inMiB(memoryKiB.worker)),
  number('HSM connections', ({ hsmConnections }) => hsmConnections, String),
];

/** Of a table that says how many connections are enough for one load, key and number of workers. */
export const ENOUGH_COLUMNS: readonly Column<Enough>[] = [
  { head: 'HSM', isNumber: false, show: ({ measurement: { point } }) => speedName(point.hsm) },
  { head: 'MaxConnections', isNumber: true, show: ({ connections }) => String(connections) },
  { head: 'a second', isNumber: true, show: ({ measurement }) => figure(measurement.perSecond) },
  { head: 'p99 ms', isNumber: true, show: ({ measurement }) => figure(measurement.latencyMs.p99) },
  { head: 'because', isNumber: false, show: ({ because }) => because },
];

/** Added latency first, by size; then the profile or a real HSM, and no HSM at all. */
export function speedRank({ point: { hsm } }: Measurement): number {
  if (hsm === null) return Number.POSITIVE_INFINITY;
  if (typeof hsm === 'object') return hsm.latencyMs;
  return Number.MAX_SAFE_INTEGER;
}

const RANKS: readonly ((measurement: Measurement) => number)[] = [
  ({ point }) => LOADS.indexOf(point.load),
  ({ point }) => KEY_TYPES.indexOf(point.keyType),
  ({ point }) => SIGNERS.indexOf(point.signer),
  speedRank,
  ({ point }) => point.workers,
  ({ point }) => point.maxConnections ?? 0,
];

/** Compares two measurements for the order of the table. */
export function byPoint(one: Measurement, other: Measurement): number {
  for (const rank of RANKS) {
    const [a, b] = [rank(one), rank(other)];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}
