/** Pure. */
import type { Rule } from './repetition.ts';

/** Opening and closing a subject, beside its repetitions. */
const AROUND_A_POINT_MS = 1_500;

/** What a point takes while none was measured: one repetition more than the fewest, as many points need. */
export const firstGuessMs = ({ warmUpMs, window, durationMs }: Rule): number =>
  warmUpMs + (window + 1) * durationMs + AROUND_A_POINT_MS;

/**
 * Milliseconds until the end: what points took so far, and `guessMs` before there was one.
 * @param tookMs of each point tried in this run
 */
export function timeLeftMs(tookMs: readonly number[], left: number, guessMs: number): number {
  const total = tookMs.reduce((sum, ms) => sum + ms, 0);
  return left * (tookMs.length === 0 ? guessMs : total / tookMs.length);
}

/** `45 s`, `12 min`, `3 h 20 min`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
