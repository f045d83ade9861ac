/** `npm run bench -- --advise`. */
import { availableParallelism } from 'node:os';
import { newestCommitted } from '../committed.ts';
import { KEY_TYPES, type KeyType, type Result } from '../result.ts';
import { advise, type Situation } from './advice.ts';
import { nearest, processorPerSecond } from './evidence.ts';
import { measureLatency, SIGNATURES_FOR_LATENCY } from './latency.ts';
import { adviceText, type Precedent } from './text.ts';

export interface AdviceOptions {
  /** Milliseconds, with or without `ms`. */
  readonly latency?: string | undefined;
  readonly workers?: string | undefined;
  readonly keyType?: string | undefined;
  /** Configuration file of the library, and the name of a key: the latency is measured. */
  readonly config?: string | undefined;
  readonly keyName?: string | undefined;
}

function numberOf(option: string, text: string | undefined, pattern: RegExp, example: string): number {
  const value = Number(pattern.exec(text ?? '')?.[1]);
  if (value > 0) return value;
  throw new Error(`${option} is ${text ?? 'missing'}: give ${example}`);
}

async function latencyOf({ latency, keyType, config, keyName }: AdviceOptions, say: (line: string) => void) {
  if (config === undefined) {
    const latencyMs = numberOf(
      '--latency',
      latency,
      /^(\d+(?:\.\d+)?)(?:ms)?$/,
      'the milliseconds that a signature takes, or measure it: --config FILE --key-name NAME',
    );
    const known = KEY_TYPES.find((type) => type === keyType);
    if (known === undefined) throw new Error(`--key is ${keyType ?? 'missing'}: give one of ${KEY_TYPES.join(', ')}`);
    return { latencyMs, keyType: known };
  }
  if (keyName === undefined) throw new Error('--key-name is missing: name the key of the HSM to measure with');
  say(`measuring with ${SIGNATURES_FOR_LATENCY} signatures by key ${keyName}`);
  return measureLatency(config, keyName);
}

function precedentOf(result: Result | undefined, situation: Situation): Precedent | undefined {
  const measurement = result && nearest(result, situation, advise(situation).maxConnections);
  if (measurement === undefined || result === undefined) return undefined;
  const { processor, cores } = result.machine;
  return { measurement, origin: `${result.startedAt.slice(0, 10)}, ${processor}, ${cores} cores` };
}

const processorOf = (result: Result | undefined, keyType: KeyType): number | undefined =>
  result && processorPerSecond(result, keyType, availableParallelism());

/**
 * What to print. Asks the HSM only when a configuration is given.
 * @param say takes a line of progress
 */
export async function giveAdvice(options: AdviceOptions, say: (line: string) => void): Promise<string> {
  const workers = numberOf(
    '--workers',
    options.workers,
    /^(\d+)$/,
    'the workers of all TLS servers of the host together',
  );
  const { latencyMs, keyType } = await latencyOf(options, say);
  const result = newestCommitted();
  const situation = { latencyMs, workers, keyType, processorPerSecond: processorOf(result, keyType) };
  return adviceText(situation, precedentOf(result, situation));
}
