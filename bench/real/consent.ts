/** What a run against a real HSM will do, and whether that is wanted. */
import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import { durationText } from '../plan/time-left.ts';
import type { KeyType } from '../result.ts';
import type { Estimate } from './points.ts';

export interface Intention {
  readonly url: string;
  /** As whom. */
  readonly user: string;
  /** A key that is there already; undefined: keys of these types are made and deleted. */
  readonly keyName: string | undefined;
  readonly keyTypes: readonly KeyType[];
  readonly atOnce: number;
  readonly estimate: Estimate;
  readonly maxSignatures: number;
}

const LABEL_WIDTH = 12;

function keyText({ keyName, keyTypes }: Intention): string {
  if (keyName !== undefined) return `${keyName}, which is there already and stays`;
  const [many, them] = keyTypes.length === 1 ? ['key', 'it'] : ['keys', 'them'];
  const after = `recoverable for the retention of the pool, unless somebody purges ${them}`;
  return `creates ${keyTypes.length} ${many} (${keyTypes.join(', ')}), named bench-…, and deletes ${them} at the end; ${after}`;
}

/** What will happen, for people. */
export function intentionText(intention: Intention): string {
  const { url, user, atOnce, estimate, maxSignatures } = intention;
  const most = Math.min(estimate.signatures, maxSignatures).toLocaleString('en-US');
  const rows = [
    ['HSM', url],
    ['as', user],
    ['key', keyText(intention)],
    [
      'signatures',
      `at most ${most}, up to ${atOnce} at a time (--max-signatures is ${maxSignatures.toLocaleString('en-US')})`,
    ],
    ['time', `about ${durationText(estimate.seconds * 1000)}`],
  ];
  const lines = rows.map(([label = '', text]) => `  ${label.padEnd(LABEL_WIDTH)}${text}`);
  return ['This loads a real HSM to its limit. Others who use it will wait, and it may cost money.', ...lines, ''].join(
    '\n',
  );
}

export interface Asking {
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
  /** Answered beforehand, by --yes. */
  readonly yes: boolean;
}

/** Says what will happen, and returns when it is wanted. Throws when it is not, or when nobody is there to say so. */
export async function askConsent(intention: Intention, { input, output, yes }: Asking): Promise<void> {
  output.write(intentionText(intention));
  if (yes) return;
  if (input.isTTY !== true) {
    throw new Error('nobody can be asked here whether that is wanted: run it in a terminal, or add --yes');
  }
  const lines = createInterface({ input, output });
  try {
    const answer = await lines.question('Go on? Type yes: ');
    if (answer.trim().toLowerCase() !== 'yes') throw new Error('nothing was asked of the HSM');
  } finally {
    lines.close();
  }
}
