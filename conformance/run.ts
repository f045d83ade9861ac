#!/usr/bin/env node
/** `npm run conformance -- --runs 10000 --subject core,module,softhsm --seed 7 --promise sign-in-parts`. */

import { Command, InvalidArgumentError, Option } from 'commander';
import { applies, hold, type Verdict } from './check.ts';
import { makeKeys } from './keys.ts';
import type { Promised } from './promise.ts';
import { promises } from './promises/all.ts';
import { type SubjectName, subjects } from './subjects/all.ts';

const names = Object.keys(subjects) as SubjectName[];

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('a whole number is wanted');
  return value;
}

function listOf<T extends string>(known: readonly T[], what: string): (text: string) => T[] {
  return (text) =>
    text.split(',').map((name) => {
      const found = known.find((each) => each === name);
      if (found === undefined) throw new InvalidArgumentError(`${name} is no ${what}: ${known.join(', ')}`);
      return found;
    });
}

interface Options {
  runs: number;
  seed?: number;
  subject: SubjectName[];
  promise?: string[];
}

const program = new Command('npm run conformance --')
  .description('Holds every promise of the library against it, and those of the standard against SoftHSM 2 too.')
  .option('--runs <number>', 'runs of each promise', whole, 100)
  .option('--seed <number>', 'which runs; a new seed each time when absent', whole)
  .addOption(
    new Option('--subject <names>', `what to hold them against: ${names.join(', ')}`)
      .argParser(listOf(names, 'subject'))
      .default(names, names.join(',')),
  )
  .option(
    '--promise <ids>',
    'only these',
    listOf(
      promises.map(({ id }) => id),
      'promise',
    ),
  )
  .parse();

const { runs, seed = Math.floor(Math.random() * 2 ** 31), subject: chosen, promise: wanted } = program.opts<Options>();

const say = (line: string) => process.stdout.write(`${line}\n`);

function sayFailure({ promise, subject, failure }: Verdict): void {
  say(`BROKEN ${promise.id} (${promise.spec}) at ${subject}: ${failure?.message}`);
  say(`  ${promise.title}`);
  say(`  input: ${failure?.counterexample}`);
  say(`  again: npm run conformance -- --subject ${subject} --promise ${promise.id} --runs ${runs} --seed ${seed}`);
}

async function holdAll(name: SubjectName, list: readonly Promised[]): Promise<Verdict[]> {
  const subject = await subjects[name].open();
  try {
    await makeKeys(subject);
    const verdicts: Verdict[] = [];
    const own = list.filter((promise) => applies(promise, subject));
    say(`${name}: ${subject.title}; ${own.length} promises, ${runs} runs each, seed ${seed}`);
    for (const promise of own) {
      const verdict = await hold(promise, subject, { runs, seed });
      verdicts.push(verdict);
      if (verdict.outcome === 'broken') sayFailure(verdict);
    }
    return verdicts;
  } finally {
    await subject.close();
  }
}

const verdicts: Verdict[] = [];
for (const name of chosen) {
  verdicts.push(
    ...(await holdAll(
      name,
      promises.filter(({ id }) => wanted === undefined || wanted.includes(id)),
    )),
  );
}
const broken = verdicts.filter(({ outcome }) => outcome === 'broken').length;
say(`${verdicts.length - broken} hold, ${broken} broken`);
process.exitCode = broken === 0 ? 0 : 1;
