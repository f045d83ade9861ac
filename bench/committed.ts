// Results that are kept in the repository, each in a folder that begins with its day.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Result } from './result.ts';
import { readResult, resultFile } from './result-file.ts';

export const RESULTS = join(import.meta.dirname, 'results');

/** Folders with a result, the newest last. */
export function committedFolders(): string[] {
  if (!existsSync(RESULTS)) return [];
  const names = readdirSync(RESULTS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return names.map(({ name }) => join(RESULTS, name)).toSorted();
}

/** The newest of them; undefined while there is none. Throws when it does not fit the schema. */
export function newestCommitted(): Result | undefined {
  const folder = committedFolders().at(-1);
  return folder === undefined ? undefined : readResult(resultFile(folder));
}
