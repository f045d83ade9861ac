/** Pure. */

/**
 * Operations a second of lanes that each do one after another. Counted between two ends of operations, after each lane had
 * time for its first and while all of them load, in whole rounds: lanes that were begun together end together for a while, and
 * where few are served at a time the first of each are quicker than what follows.
 * @param endsMs of the operations that succeeded, since the load began
 * @param loadedMs until when every lane loaded
 */
export function rateOf(endsMs: readonly number[], lanes: number, loadedMs: number): number {
  const ends = Float64Array.from(endsMs.filter((ms) => ms <= loadedMs)).sort();
  const rounds = Math.floor(ends.length / lanes) - 1;
  const [first, last] = rounds > 0 ? [lanes - 1, lanes - 1 + rounds * lanes] : [0, ends.length - 1];
  const tookMs = (ends[last] ?? 0) - (ends[first] ?? 0);
  if (tookMs > 0) return ((last - first) * 1000) / tookMs;
  // Too few to see a rate between them: what came, over all the time it took.
  return endsMs.length === 0 ? 0 : (endsMs.length * 1000) / Math.max(...endsMs);
}
