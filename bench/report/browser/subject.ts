import type { KeyType, Measurement, Signer } from '../../result.ts';
import { type Axis, boundsOf, type Mark, type Question, ratesOf } from '../series.ts';
import { figure, percent, remarksOn, SIGNER_NAMES, shareOf, speedName } from '../wording.ts';

/** What dashed lines show: the bound, or another signer. */
export type Comparison = 'bound' | Signer;

/** What all plots are about. */
export interface Subject {
  readonly keyType: KeyType;
  readonly signer: Signer;
  readonly comparison: Comparison;
}

export const AXIS_NAMES: Readonly<Record<Axis, string>> = { maxConnections: 'MaxConnections', workers: 'workers' };

/** Of the axis that is held while the other varies. */
export const HELD_NAMES: Readonly<Record<Axis, string>> = { maxConnections: 'Workers', workers: 'MaxConnections' };

/** The dashed lines beside the measured ones. */
export function comparisonOf(
  all: readonly Measurement[],
  { comparison }: Subject,
  rates: readonly Mark[],
  question: Question,
): Mark[] {
  return comparison === 'bound' ? boundsOf(rates) : ratesOf(all, comparison, question);
}

export function comparisonNote({ comparison, signer }: Subject): string {
  if (comparison === signer) return '';
  if (comparison !== 'bound') return `Dashed: ${SIGNER_NAMES[comparison]}. `;
  return 'Dashed: the bound, min(workers, MaxConnections) / latency or what the HSM can do. ';
}

/** Everything about a measurement, for its tip. */
export function tipOf(measurement: Measurement): string {
  const { point, perSecond, bound, latencyMs, cores, hsmConnections } = measurement;
  const share = shareOf(measurement);
  return [
    `${SIGNER_NAMES[point.signer]}, HSM ${speedName(point.hsm)}`,
    `${point.workers} workers, MaxConnections ${point.maxConnections ?? '–'}`,
    `${figure(perSecond)} a second${share === null ? '' : `, ${percent(share)} of ${figure(bound.perSecond ?? 0)}`}`,
    `p50 ${figure(latencyMs.p50)}, p95 ${figure(latencyMs.p95)}, p99 ${figure(latencyMs.p99)} ms`,
    `${figure(cores.machine)} cores busy${hsmConnections === null ? '' : `, ${hsmConnections} HSM connections`}`,
    ...remarksOn(measurement),
  ].join('\n');
}
