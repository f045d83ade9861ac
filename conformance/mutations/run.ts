#!/usr/bin/env node
/** `npm run mutations`: seeds one bug after the other and asks whether the conformance suite notices. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { mutations } from './all.ts';
import type { Mutation } from './mutation.ts';
import { type Trial, tryOut } from './trial.ts';

function whole(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('a whole number is wanted');
  return value;
}

function chosen(text: string): Mutation[] {
  return text.split(',').map((name) => {
    const found = mutations.find((mutation) => mutation.name === name);
    if (found === undefined) throw new InvalidArgumentError(`${name} is no mutation`);
    return found;
  });
}

interface Options {
  runs: number;
  seed: number;
  only: readonly Mutation[];
}

const program = new Command('npm run mutations --')
  .description('Seeds one bug after the other in a scratch copy; the conformance suite has to notice every one.')
  .option('--runs <number>', 'runs of each promise', whole, 30)
  .option('--seed <number>', 'which runs', whole, 7)
  .option('--only <names>', 'only these mutations', chosen, mutations)
  .parse();
const { runs, seed, only } = program.opts<Options>();

const AT_A_TIME = 2;
const FOLDER = join(import.meta.dirname, '../../build/conformance');
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Result {
  readonly mutation: Mutation;
  readonly trial: Trial;
}

/** Aborted by Ctrl-C and the like: the copies of the trials under way are to go before this process does. */
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    process.exitCode = 128 + constants.signals[signal];
    stop.abort(new Error(`ended by ${signal}`));
  });
}

/** A suite that falls over or does not end has not said what is wrong. */
const isMissed = ({ trial }: Result) => trial.promises.length === 0;

const MISSED: Readonly<Record<Trial['outcome'], string>> = {
  holds: 'MISSED',
  hangs: 'MISSED: the suite does not come to an end',
  broken: 'MISSED: the suite falls over before a promise is broken',
};

function verdictOf(result: Result): string {
  const { outcome, promises } = result.trial;
  return isMissed(result) ? MISSED[outcome] : promises.join(', ');
}

async function tryAll(list: readonly Mutation[]): Promise<Result[]> {
  const waiting = [...list];
  const results = new Map<Mutation, Result>();
  const work = async () => {
    for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift()) {
      const result = { mutation, trial: await tryOut(mutation, { runs, seed }, stop.signal) };
      results.set(mutation, result);
      const verdict = verdictOf(result);
      say(
        `${results.size} of ${list.length}: ${mutation.name}: ${isMissed(result) ? verdict : `caught by ${verdict}`}`,
      );
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: AT_A_TIME }, work));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return list.flatMap((mutation) => results.get(mutation) ?? []);
}

function markdownOf(results: readonly Result[]): string {
  const rows = results.map((result) => {
    const { name, file, broken } = result.mutation;
    return `| ${name} | ${file} | ${broken} | ${verdictOf(result)} |`;
  });
  const caught = results.filter((result) => !isMissed(result)).length;
  return [
    '# Mutation check',
    '',
    `${new Date().toISOString()}: ${caught} of ${results.length} caught, ${runs} runs of each promise, seed ${seed}.`,
    '',
    '| mutation | file | what is broken | caught by |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

async function check(): Promise<boolean> {
  const unchanged = await tryOut(undefined, { runs, seed }, stop.signal);
  if (unchanged.outcome !== 'holds') {
    say(`the sources as they are break promises, so a mutation would prove nothing:\n${unchanged.output}`);
    return false;
  }
  say(`the sources as they are: every promise holds; now ${only.length} mutations`);
  const results = await tryAll(only);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'mutations.md'), markdownOf(results));
  const missed = results.filter(isMissed);
  for (const { mutation } of missed) say(`MISSED ${mutation.name} (${mutation.file}): ${mutation.broken}`);
  say(`${results.length - missed.length} of ${results.length} caught; build/conformance/mutations.md`);
  return missed.length === 0;
}

try {
  if (!(await check())) process.exitCode = 1;
} catch (error) {
  if (!stop.signal.aborted) throw error;
  say(`${stop.signal.reason.message}; nothing is left behind`);
}
