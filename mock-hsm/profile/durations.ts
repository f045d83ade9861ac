// Times as people write them in flags and JSON: 250ms, 5s, 2m, 1h, 1d, a bare number of milliseconds; and a time with a
// spread, 5ms±1ms.
import type { Chance } from '../random.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds, or undefined when the text is no duration. A leading sign is allowed. */
export function durationMs(text: string): number | undefined {
  const match = /^([+-]?\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)?$/.exec(text.trim());
  if (match?.[1] === undefined) return undefined;
  return Number(match[1]) * (unitMs[match[2] ?? 'ms'] ?? 1);
}

/** A time that varies evenly from `meanMs - spreadMs` to `meanMs + spreadMs`. */
export interface Latency {
  readonly meanMs: number;
  readonly spreadMs: number;
}

/** Reads `5ms`, `5ms±1ms` or `5ms+-1ms`; undefined when it is neither, is negative or spreads below zero. */
export function readLatency(text: string): Latency | undefined {
  const [mean, spread, ...rest] = text.split(/±|\+-/);
  const meanMs = durationMs(mean ?? '');
  const spreadMs = spread === undefined ? 0 : durationMs(spread);
  if (meanMs === undefined || spreadMs === undefined || rest.length > 0) return undefined;
  return spreadMs < 0 || meanMs < spreadMs ? undefined : { meanMs, spreadMs };
}

/** The same as text. */
export const latencyText = ({ meanMs, spreadMs }: Latency): string =>
  spreadMs === 0 ? `${meanMs}ms` : `${meanMs}ms±${spreadMs}ms`;

/** One value of the spread, in milliseconds. */
export const drawLatency = ({ meanMs, spreadMs }: Latency, chance: Chance): number =>
  spreadMs === 0 ? meanMs : meanMs + (2 * chance() - 1) * spreadMs;
