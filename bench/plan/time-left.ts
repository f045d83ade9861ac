/** Pure. */

/**
 * Milliseconds until the end: what points took so far, and what `firstGuessMs` says before there was one.
 * @param tookMs of each point measured in this run
 */
export function timeLeftMs(tookMs: readonly number[], left: number, firstGuessMs: number): number {
  const total = tookMs.reduce((sum, ms) => sum + ms, 0);
  return left * (tookMs.length === 0 ? firstGuessMs : total / tookMs.length);
}

/** `45 s`, `12 min`, `3 h 20 min`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
