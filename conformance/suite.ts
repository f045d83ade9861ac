/** `npm run conformance -- --runs 10000 --subject core,module,softhsm --seed 7 --promise sign-in-parts` (run.ts starts it). */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { applies, type Failure, hold, type Verdict } from './check.ts';
import { makeKeys } from './keys.ts';
import { FOLDER, keepProgram } from './program.ts';
import { Progress } from './progress.ts';
import type { Promised } from './promise.ts';
import { promises } from './promises/all.ts';
import { htmlOf, markdownOf } from './report.ts';
import type { Subject } from './subject.ts';
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

/** Runs that prove nothing are refused. */
function atLeastOne(text: string): number {
  const value = whole(text);
  if (value === 0) throw new InvalidArgumentError('at least one run is wanted');
  return value;
}

interface Options {
  runs: number;
  seed?: number;
  subject: SubjectName[];
  promise?: string[];
}

const program = new Command('npm run conformance --')
  .description('Holds every promise of the library against it, and those of the standard against SoftHSM 2 too.')
  .option('--runs <number>', 'runs of each promise', atLeastOne, 100)
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
const programs = new Map<Verdict, string>();
const titles: { name: string; title: string }[] = [];

function sayFailure(verdict: Verdict, failure: Failure, from: Subject): void {
  const { promise, subject } = verdict;
  say(`BROKEN ${promise.id} (${promise.spec}) at ${subject}: ${failure.message}`);
  say(`  ${promise.title}`);
  const { replay } = failure;
  if (replay === undefined) return;
  say(`  input: ${failure.counterexample}`);
  say(`  again: npm run conformance -- --subject ${subject} --promise ${promise.id} --runs ${runs} --seed ${seed}`);
  const program = keepProgram({ promise, subject: from, failure: { ...failure, replay } });
  programs.set(verdict, program);
  say(`  as a program: node ${program}`);
}

async function holdAll(name: SubjectName, list: readonly Promised[]): Promise<Verdict[]> {
  const subject = await subjects[name].open();
  titles.push({ name, title: subject.title });
  try {
    await makeKeys(subject);
    const own = list.filter((promise) => applies(promise, subject));
    say(`${name}: ${subject.title}; ${own.length} promises, ${runs} runs each, seed ${seed}`);
    const progress = new Progress(own.length, (line) => say(`  ${line}`));
    const verdicts: Verdict[] = [];
    for (const promise of own) {
      const verdict = await hold(promise, subject, { runs, seed });
      verdicts.push(verdict);
      if (verdict.failure !== undefined) sayFailure(verdict, verdict.failure, subject);
      progress.step(promise.id);
    }
    return verdicts;
  } finally {
    await subject.close();
  }
}

mkdirSync(FOLDER, { recursive: true });
const verdicts: Verdict[] = [];
for (const name of chosen) {
  verdicts.push(
    ...(await holdAll(
      name,
      promises.filter(({ id }) => wanted === undefined || wanted.includes(id)),
    )),
  );
}
if (verdicts.length === 0)
  program.error(`none of these promises applies to ${chosen.join(', ')}: nothing was held against anything`);
const run = { seed, runs, date: new Date().toISOString(), subjects: titles, verdicts, programs };
writeFileSync(join(FOLDER, 'report.md'), markdownOf(run));
writeFileSync(
  join(FOLDER, 'report.html'),
  htmlOf(run, (file) => readFileSync(file, 'utf8')),
);

const of = (outcome: Verdict['outcome']) => verdicts.filter((verdict) => verdict.outcome === outcome).length;
say(`${of('holds')} hold, ${of('differs')} differ as explained, ${of('broken')} broken; build/conformance/report.html`);
process.exitCode = of('broken') === 0 ? 0 : 1;
