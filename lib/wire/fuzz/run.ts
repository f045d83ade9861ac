#!/usr/bin/env node
/** `npm run fuzz:wire -- --runs 10000000 --seed 7`: the decoder in TypeScript, guided by what each input reaches. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { minimised, readCorpus, replaceCorpus, writeInput } from './corpus.ts';
import { InstrumentedTarget } from './instrumented.ts';
import { mutate } from './mutate.ts';

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('a whole number is wanted');
  return value;
}

const program = new Command('npm run fuzz:wire --')
  .description('Sends mutants of the corpus to the decoder in TypeScript. A failure leaves its input in a file.')
  .option('--runs <number>', 'how many inputs', whole, 50_000)
  .option('--seed <number>', 'which ones', whole, 1)
  .option('--corpus <folder>', 'what to begin with', join(import.meta.dirname, 'corpus'))
  .option('--seeds <folders...>', 'more to begin with', [])
  .option('--keep', 'put what reaches something new into the corpus, minimised')
  .parse();
const { runs, seed, corpus, seeds, keep } = program.opts<{
  runs: number;
  seed: number;
  corpus: string;
  seeds: string[];
  keep?: true;
}>();

const say = (line: string) => process.stdout.write(`${line}\n`);
const target = await InstrumentedTarget.load();
const inputs: Buffer[] = [];

/** False: it broke the target. */
function tryInput(input: Buffer): boolean {
  try {
    if (target.reachesNew(input)) inputs.push(input);
    return true;
  } catch (error) {
    const path = writeInput(join(tmpdir(), 'mhsm-fuzz-failures'), input);
    say(`BROKEN ${error instanceof Error ? error.stack : error}\n  input: ${path} ${input.toString('hex')}`);
    return false;
  }
}

function search(): boolean {
  const random = xoroshiro128plus(seed);
  const any = () => inputs[uniformInt(random, 0, inputs.length - 1)] ?? Buffer.of(0);
  for (let run = 0; run < runs; run++) if (!tryInput(mutate(any(), any(), random))) return false;
  return true;
}

const started = performance.now();
const found = [corpus, ...seeds].flatMap(readCorpus);
const holds = found.every(tryInput) && search();
const { places, features } = target.reached;
const seconds = ((performance.now() - started) / 1000).toFixed(0);
say(
  `${runs} runs from ${found.length} inputs, seed ${seed}, ${seconds} s: ${places} of ${target.places} places, ` +
    `${features} features, ${inputs.length} inputs reached something new`,
);
if (keep) replaceCorpus(corpus, minimised(inputs, target));
process.exitCode = holds ? 0 : 1;
