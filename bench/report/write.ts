import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Result, result as schema } from '../result.ts';
import { resultFile, writeResult } from '../result-file.ts';
import { markdownOf } from './markdown.ts';
import { pageOf } from './page.ts';

/** More of a measurement is noise, and makes a full result twice as large. */
const DIGITS = 5;

const rounded = (result: Result): Result =>
  JSON.parse(
    JSON.stringify(result, (_name, value: unknown) =>
      typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value,
    ),
  ) as Result;

/**
 * Writes result.json, result.md and result.html into a folder, which is made where it is missing; gives their paths. Figures are
 * rounded to five digits.
 * Throws a ZodError, and writes nothing, when the result does not fit its schema.
 */
export async function writeReport(result: Result, folder: string): Promise<string[]> {
  const valid = rounded(schema.parse(result));
  const texts = { 'result.md': markdownOf(valid), 'result.html': await pageOf(valid) };
  mkdirSync(folder, { recursive: true });
  writeResult(resultFile(folder), valid);
  const written = Object.entries(texts).map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
  return [resultFile(folder), ...written];
}
