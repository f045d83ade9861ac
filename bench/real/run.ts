/** `npm run bench -- --hsm https://…`: the library against a real HSM, after somebody agreed to it. */
import { configurationFile } from '../../lib/config/load.ts';
import { complaintsOf } from '../plan/failures.ts';
import { type Filter, matches } from '../plan/points.ts';
import { RULES } from '../plan/repetition.ts';
import { writeReport } from '../report/write.ts';
import { KEY_TYPES, type KeyType, type Point, type Result } from '../result.ts';
import { refuseUnfinished, resultFile } from '../result-file.ts';
import { Rig } from '../subjects/rig.ts';
import { sweep } from '../sweep.ts';
import { withBounds } from './bounds.ts';
import { Budget, BudgetSpent } from './budget.ts';
import { configuredHsm } from './configured-hsm.ts';
import { type Asking, askConsent } from './consent.ts';
import { RealBenchHsm } from './hsm.ts';
import { estimateOf, realForm } from './points.ts';

export interface RealOptions {
  /** Address of the HSM, as the configuration has it. */
  readonly hsm: string;
  /** The library's configuration file; by default where the library looks for it. */
  readonly config: string | undefined;
  readonly keyName: string | undefined;
  readonly maxSignatures: string;
  readonly form: 'quick' | 'full';
  /** Types of the keys to make; P-256 alone when absent. An existing key has its own. */
  readonly keyTypes: readonly string[] | undefined;
  /** Which of its points; all when empty. */
  readonly filter: Filter;
  readonly out: string;
}

export interface RealRun {
  readonly options: RealOptions;
  /** Machine and time of the run, without measurements. */
  readonly result: Result;
  readonly asking: Asking;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const isKeyType = (text: string): text is KeyType => KEY_TYPES.some((type) => type === text);

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new Error(`--max-signatures is ${text}: give a whole number above 0`);
}

const pointsOf = (keyTypes: readonly KeyType[], { filter }: RealOptions): Point[] =>
  realForm(keyTypes).filter((point) => matches(point, { ...filter, keyType: undefined }));

/**
 * Gives the signatures that were agreed to. Throws before the HSM is asked for anything when it is not wanted.
 */
async function agreed({ options, asking }: RealRun, keyTypes: readonly KeyType[], user: string): Promise<number> {
  const maxSignatures = limitOf(options.maxSignatures);
  const points = pointsOf(keyTypes, options);
  if (points.length === 0) throw new Error('no point of a run against a real HSM has these values');
  const atOnce = Math.max(...points.map(({ workers, maxConnections }) => Math.min(workers, maxConnections ?? workers)));
  const estimate = estimateOf(points, RULES[options.form]);
  const { hsm: url, keyName } = options;
  await askConsent({ url, user, keyName, keyTypes, atOnce, estimate, maxSignatures }, asking);
  return Math.min(estimate.signatures, maxSignatures);
}

/**
 * Says what it will ask of the HSM, waits for a yes, measures, and writes the report; gives whether all was measured.
 * Throws when it is not wanted, and what the HSM refuses before the first point.
 */
export async function runReal(run: RealRun): Promise<boolean> {
  const { options, say } = run;
  const file = resultFile(options.out);
  refuseUnfinished(file);
  if (options.keyName !== undefined && options.keyTypes !== undefined) {
    throw new Error('--key says which keys to make, and --key-name names one that is there: give one of them');
  }
  const configured = configuredHsm(options.hsm, options.config ?? configurationFile(process.env), process.env);
  // What type an existing key is, nobody has asked yet: the one that signs fastest is the most that it can be.
  const usual: readonly KeyType[] = options.keyName === undefined ? ['P-256'] : ['RSA-2048'];
  const wanted = options.keyTypes?.filter(isKeyType) ?? usual;
  const budget = new Budget(await agreed(run, wanted, configured.user));
  const hsm = await RealBenchHsm.open({ configured, budget, keyName: options.keyName, say });
  const keyTypes = hsm.existingType === undefined ? wanted : [hsm.existingType];
  const rig = await Rig.start(hsm);
  try {
    const signal = AbortSignal.any([run.signal, budget.signal]);
    const swept = await sweep({
      points: pointsOf(keyTypes, options),
      rule: RULES[options.form],
      rig,
      result: run.result,
      file,
      signal,
      say,
    });
    for (const path of await writeReport(withBounds(swept.result), options.out)) say(`wrote ${path}`);
    const complaints = complaintsOf(swept);
    for (const complaint of complaints) say(complaint);
    say(`${budget.spent} signatures were asked for`);
    if (budget.signal.reason instanceof BudgetSpent) say(`stopped: ${budget.signal.reason.message}`);
    return complaints.length === 0 && !signal.aborted;
  } finally {
    await rig.stop();
  }
}
