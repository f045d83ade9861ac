// Chance that can be repeated: one stream of numbers a purpose, all of them following from one seed.
import { createHash } from 'node:crypto';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';

/** The next number, from 0 up to but not including 1. */
export type Chance = () => number;

/** A stream of its own for `purpose`, so that drawing for one thing never changes what another gets. */
export function chanceFor(seed: number, purpose: string): Chance {
  const digest = createHash('sha256').update(`${seed}/${purpose}`).digest();
  const generator = mersenne(digest.readInt32LE(0));
  return () => uniformFloat64(generator);
}
