/** Changes of an input, as coverage-guided fuzzers make them. */

import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

export const MAX_INPUT_BYTES = 512;
const INTERESTING = [0, 1, 2, 8, 9, 0x7f, 0x80, 0xff, 0x1fffff, 0x200000, 0x7fffffff, 0x80000000, 0xffffffff];

type Pick = (below: number) => number;
type Mutator = (data: Buffer, pick: Pick, other: Buffer) => Buffer;

const insert = (data: Buffer, at: number, more: Uint8Array) =>
  Buffer.concat([data.subarray(0, at), more, data.subarray(at)]);

const pieceOf = (data: Buffer, pick: Pick) => {
  const from = pick(data.length + 1);
  return data.subarray(from, from + pick(Math.min(32, data.length - from) + 1));
};

const MUTATORS: readonly Mutator[] = [
  function flipBit(data, pick) {
    const at = pick(data.length);
    data[at] = (data[at] ?? 0) ^ (1 << pick(8));
    return data;
  },
  function setByte(data, pick) {
    data[pick(data.length)] = pick(256);
    return data;
  },
  function setInteresting(data, pick) {
    const value = INTERESTING[pick(INTERESTING.length)] ?? 0;
    if (data.length < 4) return data;
    data.writeUInt32LE(value, pick(data.length - 3));
    return data;
  },
  function setSmall(data, pick) {
    if (data.length < 4) return data;
    data.writeUInt32LE(pick(64), pick(data.length - 3));
    return data;
  },
  (data, pick) => insert(data, pick(data.length + 1), Buffer.alloc(1 + pick(16), pick(256))),
  (data, pick, other) => insert(data, pick(data.length + 1), pieceOf(other, pick)),
  (data, pick) => insert(data, pick(data.length + 1), pieceOf(data, pick)),
  function erase(data, pick) {
    const at = pick(data.length);
    return Buffer.concat([data.subarray(0, at), data.subarray(at + 1 + pick(16))]);
  },
  (data, pick) => data.subarray(0, pick(data.length) + 1),
  (data, pick, other) => Buffer.concat([data.subarray(0, pick(data.length)), other.subarray(pick(other.length))]),
];

/** A copy of `data` with a few changes, some of them from `other`. */
export function mutate(data: Buffer, other: Buffer, random: RandomGenerator): Buffer {
  const pick: Pick = (below) => (below <= 1 ? 0 : uniformInt(random, 0, below - 1));
  let mutant: Buffer = Buffer.from(data);
  for (let left = 1 + pick(4); left > 0; left--) {
    if (mutant.length === 0) mutant = Buffer.of(pick(256));
    mutant = MUTATORS[pick(MUTATORS.length)]?.(mutant, pick, other) ?? mutant;
  }
  return mutant.subarray(0, MAX_INPUT_BYTES);
}
