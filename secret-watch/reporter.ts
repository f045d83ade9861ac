import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reporter } from 'vitest/node';
import { SEARCHED_FOLDER } from './evidence.ts';
import { searchEvidence } from './search.ts';

/** Searches what a run printed and logged for the secrets it used. The run fails when one is found. */
export class SecretWatch implements Reporter {
  readonly folder: string;
  #leaks = 0;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'mhsm-secret-watch-'));
    // Agents run as users of their own, and make their log files here.
    chmodSync(this.folder, 0o711);
    mkdirSync(join(this.folder, SEARCHED_FOLDER));
    chmodSync(join(this.folder, SEARCHED_FOLDER), 0o1777);
    process.once('exit', () => rmSync(this.folder, { recursive: true, force: true }));
  }

  /** How many the run that just ended left. */
  get leaks(): number {
    return this.#leaks;
  }

  onTestRunEnd(): void {
    const { files, secrets, leaks } = searchEvidence(this.folder);
    this.#leaks = leaks.length;
    for (const { file, line, whose } of leaks) process.stderr.write(`secret of ${whose} in ${file}:${line}\n`);
    if (secrets > 0) process.stdout.write(`\n${secrets} secrets, ${leaks.length} found in ${files} logs and outputs\n`);
    if (leaks.length > 0) process.exitCode = 1;
  }
}
