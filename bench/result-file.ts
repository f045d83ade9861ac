/** The state of a run: its result so far, whole at every moment. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Result, result } from './result.ts';

export const resultFile = (folder: string): string => join(folder, 'result.json');

/** Replaces the file at once, so that an interruption leaves either the former or the new one. */
export function writeResult(file: string, written: Result): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(written, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** Undefined where there is none. Throws when it is something else. */
export function readResult(file: string): Result | undefined {
  if (!existsSync(file)) return undefined;
  const read = result.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!read.success) throw new Error(`${file} is no result of this bench: ${z.prettifyError(read.error)}`);
  return read.data;
}

/** Throws where a run left off that can go on: hours of measuring are not written over unasked. */
export function refuseUnfinished(file: string): void {
  const before = readResult(file);
  if (before === undefined || before.finishedAt !== null || before.measurements.length === 0) return;
  const goOn = before.hsm === 'real' ? '' : 'go on with it by --resume, ';
  throw new Error(
    `${file} is of a run that did not finish, with ${before.measurements.length} points: ${goOn}give another --out, or remove it`,
  );
}

const prefixed = (prefix: string, values: object): [string, unknown][] =>
  Object.entries(values).map(([name, value]) => [`${prefix} ${name}`, value]);

/** What must be the same for two runs to make one result. */
function conditionsOf({ version, form, hsm, only, repetition, machine }: Result): Map<string, string> {
  const { programs, ...hardware } = machine;
  const named = [
    ...Object.entries({ version, form, hsm, ...hardware, ...programs }),
    ...prefixed('chosen', only),
    ...prefixed('repetition', repetition ?? {}),
  ];
  return new Map(named.map(([name, value]) => [name, Array.isArray(value) ? value.join(' ') : String(value)]));
}

/**
 * The measurements that a new run can go on from. Throws with what differs when they came about under other conditions:
 * figures of two builds or two machines in one table would be compared with each other, and a run that chose other points
 * would end as if it had measured all of its own.
 */
export function resumed(before: Result, now: Result, file: string): Result {
  const [then, conditions] = [conditionsOf(before), conditionsOf(now)];
  const differences = [...new Set([...then.keys(), ...conditions.keys()])]
    .filter((name) => then.get(name) !== conditions.get(name))
    .map((name) => {
      const none = name.startsWith('chosen ') ? 'all' : 'absent';
      return `${name} was ${then.get(name) ?? none} and is ${conditions.get(name) ?? none}`;
    });
  if (differences.length > 0) {
    throw new Error(
      `${file} cannot be resumed: ${differences.join('; ')}. Begin anew without --resume, or in another --out.`,
    );
  }
  return { ...now, startedAt: before.startedAt, measurements: before.measurements };
}
