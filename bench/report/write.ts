/** Where a result goes. */

import type { Result } from '../result.ts';
import { resultFile, writeResult } from '../result-file.ts';

/** Gives the paths that it wrote. */
export async function writeReport(result: Result, folder: string): Promise<string[]> {
  const file = resultFile(folder);
  writeResult(file, result);
  return [file];
}
