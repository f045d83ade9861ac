#!/usr/bin/env node
/**
 * `npm run conformance`: the suite, quiet about refusals that are promised. The module says each on standard error, as it
 * should in a host program; here they are shown when the run fails.
 */

import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { FOLDER } from './program.ts';

const said = join(FOLDER, 'standard-error.txt');
mkdirSync(FOLDER, { recursive: true });
const words = [join(import.meta.dirname, 'suite.ts'), ...process.argv.slice(2)];
const suite = spawn(process.execPath, words, { stdio: ['inherit', 'inherit', openSync(said, 'w')] });
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => suite.kill(signal));
suite.on('close', (status, signal) => {
  process.exitCode = status ?? 128 + constants.signals[signal ?? 'SIGKILL'];
  if (process.exitCode !== 0) process.stderr.write(readFileSync(said));
});
