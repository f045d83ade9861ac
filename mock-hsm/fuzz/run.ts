#!/usr/bin/env node
// The long form of the fuzz: `npm run fuzz:mock -- --runs 100000 --seed 7`.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { whole } from '../command/option-values.ts';

const most = 999_999_999;
const program = new Command('npm run fuzz:mock --')
  .description('Sends odd requests to every route of the mock. A failure prints the request as a curl line.')
  .option('--runs <number>', 'how many requests', whole(1, most), 100_000)
  .option('--seed <number>', 'which ones; a new seed each time when absent', whole(0, most))
  .parse();
const { runs, seed = Math.floor(Math.random() * most) } = program.opts<{ runs: number; seed?: number }>();

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const env = { ...process.env, MOCK_HSM_FUZZ_RUNS: String(runs), MOCK_HSM_FUZZ_SEED: String(seed) };
const cwd = join(import.meta.dirname, '..', '..');
const child = spawn(process.execPath, [vitest, 'run', 'mock-hsm/fuzz/every-route'], { cwd, env, stdio: 'inherit' });
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
