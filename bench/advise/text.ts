/** Advice in words. Pure. */
import { PARTITIONS } from '../plan/bounds.ts';
import { nameOf } from '../report/terminal.ts';
import { figure } from '../report/wording.ts';
import type { Measurement } from '../result.ts';
import { type Advice, advise, type Limit, type Situation } from './advice.ts';

/** Of the closed library and of this one. */
const DEFAULT_CONNECTIONS = 20;
const LABEL_WIDTH = 10;

/** A measurement that is like the situation, and where it comes from. */
export interface Precedent {
  readonly measurement: Measurement;
  /** '2026-11-30, Some CPU, 2 cores' */
  readonly origin: string;
}

const ms = (value: number): string => `${figure(value)} ms`;
const rate = (perSecond: number): string => `${figure(perSecond)}/s`;

const LIMIT_NAMES: Readonly<Record<Limit['by'], string>> = {
  workers: 'the workers',
  capacity: 'the HSM',
  processor: "this host's processor",
};

function because({ latencyMs, workers }: Situation, { maxConnections, limit, inFlight }: Advice): string {
  if (maxConnections === workers) {
    const many = workers === 1 ? 'the one worker waits' : `each of the ${workers} workers waits`;
    return `${many} for one signature at a time: one more connection would never be used.`;
  }
  const ends = `${LIMIT_NAMES[limit.by]} ends at ${rate(limit.perSecond)}`;
  return `${ends}: at ${ms(latencyMs)} ${figure(inFlight)} signatures are under way, and a quarter more is for bursts. Others would only wait there.`;
}

function expectation({ latencyMs, workers }: Situation, { perSecond, limit }: Advice): string {
  const sum = limit.by === 'workers' ? ` (${workers} / ${ms(latencyMs)})` : '';
  return `${rate(perSecond)} new handshakes${sum}, resumed ones not counted. They end at ${LIMIT_NAMES[limit.by]}.`;
}

function nextLimit({ latencyMs }: Situation, { limit, next }: Advice): string {
  const text = `${LIMIT_NAMES[next.by]}, at ${rate(next.perSecond)}.`;
  if (limit.by !== 'workers') return text;
  const workers = Math.ceil((next.perSecond * latencyMs) / 1000);
  return `${text} ${workers} workers would reach that; ask again for their MaxConnections.`;
}

function warnings(situation: Situation, { maxConnections, perSecond, guaranteedPerSecond }: Advice): string[] {
  const withDefault = Math.min(perSecond, (DEFAULT_CONNECTIONS / situation.latencyMs) * 1000);
  return [
    ...(maxConnections > DEFAULT_CONNECTIONS && withDefault < perSecond
      ? [`With the default of ${DEFAULT_CONNECTIONS} connections it ends at ${rate(withDefault)}.`]
      : []),
    ...(perSecond > guaranteedPerSecond
      ? [
          `One of the pool's ${PARTITIONS} partitions alone keeps up ${rate(guaranteedPerSecond)}: plan for that day too.`,
        ]
      : []),
    ...(situation.processorPerSecond === undefined ? ['The processor is left out: no handshakes were measured.'] : []),
  ];
}

function precedentText({ measurement, origin }: Precedent): string {
  const { perSecond, latencyMs, point } = measurement;
  return `${nameOf(point)}: ${rate(perSecond)}, p99 ${ms(latencyMs.p99)} (${origin})`;
}

/** What `npm run bench -- --advise` prints, with the end of its last line. */
export function adviceText(situation: Situation, precedent: Precedent | undefined): string {
  const advice = advise(situation);
  const { keyType, latencyMs, workers } = situation;
  const labelled: readonly (readonly [string, string])[] = [
    ['because', because(situation, advice)],
    ['expect', expectation(situation, advice)],
    ['next', nextLimit(situation, advice)],
    ...warnings(situation, advice).map((warning) => ['note', warning] as const),
    ...(precedent === undefined ? [] : [['measured', precedentText(precedent)] as const]),
  ];
  const head = `${keyType}, ${ms(latencyMs)} a signature, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
  const lines = labelled.map(([label, text]) => `  ${label.padEnd(LABEL_WIDTH)}${text}`);
  return [`${head}: set ConnectionCache.MaxConnections to ${advice.maxConnections}`, ...lines, ''].join('\n');
}
