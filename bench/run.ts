/**
 * How many signatures and handshakes a second, for which MaxConnections, workers and HSM: the library beside what it
 * can be held against, in one run. Progress goes to standard error, results into a folder.
 */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { giveAdvice } from './advise/command.ts';
import { describeMachine } from './machine.ts';
import { complaintsOf } from './plan/failures.ts';
import { chosenBy, type Filter, fullForm, matches, quickForm } from './plan/points.ts';
import { RULES } from './plan/repetition.ts';
import { runReal } from './real/run.ts';
import { writeReport } from './report/write.ts';
import { KEY_TYPES, LOADS, type Point, type Result, SIGNERS } from './result.ts';
import { readResult, refuseUnfinished, resultFile, resumed } from './result-file.ts';
import { openSubject } from './subjects/open.ts';
import { Rig } from './subjects/rig.ts';
import { sweep } from './sweep.ts';
import { holdTargets, targetLine } from './targets/all.ts';
import { hasFailed } from './verdict.ts';

interface Options {
  quick?: true;
  targets?: true;
  advise?: true;
  latency?: string;
  config?: string;
  keyName?: string;
  report?: string;
  hsm?: string;
  maxSignatures: string;
  yes?: true;
  resume?: true;
  out: string;
  signer?: string[];
  load?: string[];
  key?: string[];
  workers?: string[];
  maxConnections?: string[];
  hsmSpeed?: string[];
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const filterOf = ({ signer, load, key, workers, maxConnections, hsmSpeed }: Options): Filter => ({
  signer,
  load,
  keyType: key,
  workers,
  maxConnections,
  hsm: hsmSpeed,
});

/** Aborts at the first signal, so that all that was started is stopped in order; the second one ends at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130);
      say(`${name}: stopping; once more ends at once`);
      controller.abort(new Error(`interrupted by ${name}`));
    });
  }
  return controller.signal;
}

async function newResult(form: Result['form'], only: Filter = {}): Promise<Result> {
  const startedAt = new Date().toISOString();
  const machine = await describeMachine();
  return {
    version: 2,
    form,
    only: chosenBy(only),
    repetition: form === 'targets' ? null : RULES[form],
    startedAt,
    finishedAt: null,
    machine,
    hsm: 'mock-hsm',
    measurements: [],
    targets: [],
  };
}

function goOn(now: Result, { out, resume }: Options): Result {
  if (resume === undefined) {
    refuseUnfinished(resultFile(out));
    return now;
  }
  const before = readResult(resultFile(out));
  if (before === undefined) throw new Error(`there is no ${resultFile(out)} to resume`);
  return resumed(before, now, resultFile(out));
}

/** Enough that a few disturbed rounds do not move the median. */
const TARGET_ROUNDS = { rounds: 12, roundMs: 400 };

async function runTargets({ out }: Options): Promise<void> {
  const signal = interruption();
  const result = await newResult('targets');
  const rig = await Rig.start();
  try {
    const open = (point: Point) => openSubject(point, rig);
    const scene = { rig, open, cores: result.machine.cores, signal, ...TARGET_ROUNDS };
    const targets = await holdTargets(scene, (target) => process.stdout.write(`${targetLine(target)}\n`));
    const finishedAt = new Date().toISOString();
    for (const path of await writeReport({ ...result, finishedAt, targets }, join(out, 'targets')))
      say(`wrote ${path}`);
    if (targets.some(hasFailed)) process.exitCode = 1;
  } finally {
    await rig.stop();
  }
}

async function runSweep(options: Options): Promise<void> {
  const form = options.quick ? 'quick' : 'full';
  const filter = filterOf(options);
  const points = (options.quick ? quickForm() : fullForm()).filter((point) => matches(point, filter));
  if (points.length === 0) throw new Error(`no point of the ${form} form has these values`);
  const signal = interruption();
  const result = goOn(await newResult(form, filter), options);
  const rig = await Rig.start();
  try {
    const file = resultFile(options.out);
    const swept = await sweep({ points, rule: RULES[form], rig, result, file, signal, say });
    for (const path of await writeReport(swept.result, options.out)) say(`wrote ${path}`);
    const complaints = complaintsOf(swept);
    for (const complaint of complaints) say(complaint);
    if (signal.aborted) say(`interrupted: the same command with --resume goes on`);
    if (complaints.length > 0 || signal.aborted) process.exitCode = 1;
  } finally {
    await rig.stop();
  }
}

async function runAdvice({ latency, workers, key, config, keyName }: Options): Promise<void> {
  const options = { latency, workers: workers?.[0], keyType: key?.[0], config, keyName };
  process.stdout.write(await giveAdvice(options, say));
}

async function runAgainstReal(hsm: string, options: Options): Promise<void> {
  if (options.resume)
    throw new Error('--hsm cannot --resume: leave one of them out, and give another --out to keep a result');
  const { config, keyName, maxSignatures, key: keyTypes, out, yes = false } = options;
  const form = options.quick ? 'quick' : 'full';
  const real = { hsm, config, keyName, maxSignatures, form, keyTypes, filter: filterOf(options), out } as const;
  const asking = { input: process.stdin, output: process.stderr, yes };
  const result: Result = { ...(await newResult(form, filterOf(options))), hsm: 'real' };
  const isWhole = await runReal({ options: real, result, asking, signal: interruption(), say });
  if (!isWhole) process.exitCode = 1;
}

/** Of a result that is there already. */
async function runReport(folder: string): Promise<void> {
  const result = readResult(resultFile(folder));
  if (result === undefined) throw new Error(`there is no ${resultFile(folder)} to report`);
  for (const path of await writeReport(result, folder)) say(`wrote ${path}`);
}

function run(options: Options): Promise<void> {
  if (options.report !== undefined) return runReport(options.report);
  if (options.advise) return runAdvice(options);
  if (options.hsm !== undefined) return runAgainstReal(options.hsm, options);
  return options.targets ? runTargets(options) : runSweep(options);
}

const some = (flags: string, description: string, choices?: readonly string[]) => {
  const option = new Option(flags, description);
  return choices === undefined ? option : option.choices(choices);
};

await new Command('npm run bench --')
  .description('Signatures and TLS handshakes a second through the library, beside what they can be held against.')
  .option('--quick', 'the lines of the plots alone, at most three minutes')
  .option(
    '--targets',
    'what the library must reach, each with its figure; exit status 1 when one is missed or not measured',
  )
  .option(
    '--advise',
    'which MaxConnections for --latency, --workers and --key; or measured with --config and --key-name',
  )
  .option('--latency <ms>', 'with --advise: what a signature takes while the HSM has nothing else to do')
  .option(
    '--config <file>',
    "the library's configuration file of a real HSM; MHSM_CLIENT_ID and MHSM_CLIENT_SECRET name its user, else the file does",
  )
  .option('--key-name <name>', 'a key of that HSM, instead of one that is made and deleted')
  .option('--hsm <url>', 'measure against this real HSM of --config, after a yes')
  .option('--max-signatures <count>', 'with --hsm: ask for no more', '20000')
  .option('--yes', 'with --hsm: do not ask')
  .option('--report <folder>', 'write table and page of the result.json in it anew')
  .option('--out <folder>', 'where the result goes', '.bench')
  .option('--resume', 'go on where an interrupted run stopped, under the same conditions')
  .addOption(some('--signer <names...>', 'only these', SIGNERS))
  .addOption(some('--load <names...>', 'only these', LOADS))
  .addOption(some('--key <types...>', 'only these', KEY_TYPES))
  .addOption(some('--workers <numbers...>', 'only these'))
  .addOption(some('--max-connections <numbers...>', 'only these'))
  .addOption(some('--hsm-speed <speeds...>', 'only these: 0ms, 1ms, 5ms, 20ms, standard-b1'))
  .action(run)
  .parseAsync()
  .catch((error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  });
