/** Inputs as files, named for what they hold. */

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstrumentedTarget } from './instrumented.ts';

export function readCorpus(folder: string): Buffer[] {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)));
}

const nameOf = (input: Buffer) => createHash('sha1').update(input).digest('hex');

export function writeInput(folder: string, input: Buffer): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, nameOf(input));
  writeFileSync(path, input);
  return path;
}

export function replaceCorpus(folder: string, inputs: readonly Buffer[]): void {
  rmSync(folder, { recursive: true, force: true });
  for (const input of inputs) writeInput(folder, input);
}

/** Few inputs that reach what all do: the shortest with something new first. */
export function minimised(inputs: readonly Buffer[], target: InstrumentedTarget): Buffer[] {
  const seen = new Set<number>();
  return inputs
    .toSorted((a, b) => a.length - b.length)
    .filter((input) => {
      const features = target.featuresOf(input).filter((feature) => !seen.has(feature));
      for (const feature of features) seen.add(feature);
      return features.length > 0;
    });
}
