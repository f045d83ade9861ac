// What a plot shows of a result: pure, so that it is tested without a browser.
import type { KeyType, Load, Measurement, Point, Signer } from '../result.ts';
import { byPoint, speedRank } from './columns.ts';
import { SIGNER_NAMES, speedName } from './wording.ts';

/** The axis of a plot; the other of the two is held. */
export type Axis = 'maxConnections' | 'workers';

const OTHER: Readonly<Record<Axis, Axis>> = { maxConnections: 'workers', workers: 'maxConnections' };

/** What a plot is about. */
export interface Question {
  readonly load: Load;
  readonly keyType: KeyType;
  readonly along: Axis;
  /** Value of the axis that is held. */
  readonly held: number;
}

export interface Mark {
  readonly x: number;
  readonly y: number;
  /** Name of the line that it belongs to. */
  readonly line: string;
  readonly measurement: Measurement;
}

const USUAL_SPEED = '5 ms';

type About = Pick<Question, 'load' | 'keyType' | 'along'>;

const isAbout =
  ({ load, keyType }: Pick<Question, 'load' | 'keyType'>, signer: Signer) =>
  ({ point }: Measurement) =>
    point.load === load && point.keyType === keyType && point.signer === signer;

const byX = (one: Mark, other: Mark): number => one.x - other.x;

/** Names of all speeds of the HSM that were measured, the fastest first, whatever the key and the load. */
export function speedsOf(all: readonly Measurement[]): string[] {
  const inFront = all.filter(({ point }) => point.hsm !== null);
  const sorted = inFront.toSorted((one, other) => speedRank(one) - speedRank(other));
  return [...new Set(sorted.map(({ point }) => speedName(point.hsm)))];
}

/** Rates of a signer with an HSM behind it, one line a speed of the HSM. */
export function ratesOf(all: readonly Measurement[], signer: Signer, question: Question): Mark[] {
  const { along, held } = question;
  return all
    .filter(isAbout(question, signer))
    .filter(({ point }) => point[OTHER[along]] === held && point[along] !== null)
    .toSorted(byPoint)
    .map((measurement) => ({
      x: measurement.point[along] ?? 0,
      y: measurement.perSecond,
      line: speedName(measurement.point.hsm),
      measurement,
    }));
}

/** Their bounds, where they are known. */
export function boundsOf(rates: readonly Mark[]): Mark[] {
  return rates.flatMap((mark) => {
    const { perSecond } = mark.measurement.bound;
    return perSecond === null ? [] : [{ ...mark, y: perSecond }];
  });
}

/** Rates of the signers without an HSM: one line each, level where MaxConnections is the axis. */
export function baselinesOf(all: readonly Measurement[], question: Question, axis: readonly number[]): Mark[] {
  return (['softhsm', 'pem'] as const).flatMap((signer) => {
    const own = all.filter(isAbout(question, signer));
    const mark = (x: number, measurement: Measurement): Mark => ({
      x,
      y: measurement.perSecond,
      line: SIGNER_NAMES[signer],
      measurement,
    });
    if (question.along === 'workers') return own.map((it) => mark(it.point.workers, it)).toSorted(byX);
    return own.filter(({ point }) => point.workers === question.held).flatMap((it) => axis.map((x) => mark(x, it)));
  });
}

/** Values that the held axis has, ascending. */
export function heldValues(all: readonly Measurement[], signer: Signer, about: About): number[] {
  const values = all.filter(isAbout(about, signer)).map(({ point }) => point[OTHER[about.along]]);
  return [...new Set(values)].filter((value) => value !== null).toSorted((a, b) => a - b);
}

/** The value to begin with: the one for which most points were measured, the greatest of those. */
export function usualHeld(all: readonly Measurement[], signer: Signer, about: About): number | undefined {
  const countOf = (held: number) => ratesOf(all, signer, { ...about, held }).length;
  return heldValues(all, signer, about).reduce<number | undefined>(
    (best, held) => (best === undefined || countOf(held) >= countOf(best) ? held : best),
    undefined,
  );
}

/** Those of the values of `key` that were measured, in the order of `known`. */
export function measuredValues<Key extends 'keyType' | 'load' | 'signer'>(
  all: readonly Measurement[],
  key: Key,
  known: readonly Point[Key][],
): Point[Key][] {
  return known.filter((value) => all.some(({ point }) => point[key] === value));
}

export interface Percentile {
  readonly x: number;
  readonly y: number;
  readonly line: 'p50' | 'p95' | 'p99';
  readonly measurement: Measurement;
}

/** The speed to begin with: the one of most rates; of several, what an operator most likely has. */
export function usualSpeed(rates: readonly Mark[]): string | undefined {
  const count = (speed: string) => rates.filter(({ line }) => line === speed).length;
  const speeds = [...new Set(rates.map(({ line }) => line))];
  const most = Math.max(...speeds.map(count));
  const candidates = speeds.filter((speed) => count(speed) === most);
  return candidates.find((speed) => speed === USUAL_SPEED) ?? candidates[0];
}

/** Latency percentiles of those rates that were measured in front of one speed of the HSM. */
export function percentilesOf(rates: readonly Mark[], speed: string): Percentile[] {
  return rates
    .filter(({ line }) => line === speed)
    .flatMap(({ x, measurement }) =>
      (['p50', 'p95', 'p99'] as const).map((line) => ({ x, y: measurement.latencyMs[line], line, measurement })),
    );
}
