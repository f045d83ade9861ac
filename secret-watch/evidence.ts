/**
 * What a test run leaves to be searched for secrets when it is over: the secrets that it used, and everything that its
 * programs printed or logged. Outside a watched run nothing is kept.
 */

import { appendFileSync, copyFileSync, existsSync, globSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Names the folder of the run; vitest.config.ts sets it for every test file. */
export const FOLDER_VARIABLE = 'MHSM_SECRET_WATCH';
export const SECRETS_FILE = 'secrets.jsonl';
/** Outputs and logs. */
export const SEARCHED_FOLDER = 'searched';

const watchedFolder = () => process.env[FOLDER_VARIABLE];

/** Shorter ones, which some tests use as PINs, stand in ordinary words. */
const MIN_CHARACTERS = 6;

/** A PIN, client secret or token that no log may hold. `whose` names it in messages. */
export function noteSecret(whose: string, secret: string): void {
  const folder = watchedFolder();
  if (folder !== undefined && secret.length >= MIN_CHARACTERS)
    appendFileSync(join(folder, SECRETS_FILE), `${JSON.stringify({ whose, secret })}\n`);
}

/** Where logs of this run belong that nobody asks for otherwise; undefined outside a watched run. */
export function searchedFolder(): string | undefined {
  const folder = watchedFolder();
  return folder === undefined ? undefined : join(folder, SEARCHED_FOLDER);
}

/** What a program printed. */
export function noteOutput(program: string, output: string | Uint8Array): void {
  const folder = searchedFolder();
  if (folder === undefined) return;
  const file = join(folder, `output-of-${basename(program).replaceAll(/[^\w.-]/g, '_')}-${process.pid}`);
  appendFileSync(file, output);
}

/** Keeps the log files below a folder that a test is about to remove. */
export function keepLogs(folder: string): void {
  const searched = searchedFolder();
  if (searched === undefined || !existsSync(folder)) return;
  for (const path of globSync('**/*.log', { cwd: folder })) {
    const to = join(searched, 'kept', basename(folder), path.replaceAll('/', '_'));
    mkdirSync(join(searched, 'kept', basename(folder)), { recursive: true });
    copyFileSync(join(folder, path), to);
  }
}
