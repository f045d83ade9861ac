#!/usr/bin/env node
// Command line of the contract tests: `npm run contract` for the mock, `-- --against https://…` for a real pool.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError } from 'commander';

interface Flags {
  against?: string;
  yes: boolean;
  settle: number;
}

const root = join(import.meta.dirname, '..', '..');

const program = new Command('npm run contract --')
  .description('Runs the contract tests against the mock, or against a real Managed HSM to prove the mock honest.')
  .argument('[files...]', 'parts of file names; all contract tests when absent')
  .option('--against <url>', 'the pool, for example https://NAME.managedhsm.azure.net', originOf)
  .option('--yes', 'do not ask before making keys in that pool', process.env.MHSM_CONTRACT_YES === '1')
  .option('--settle <seconds>', 'wait after each change of roles in that pool', Number, 5)
  .addHelpText(
    'after',
    `
Against a real pool:
  AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH) name the client: a service
  principal without any role there. MHSM_ADMIN_CLIENT_ID and MHSM_ADMIN_CLIENT_SECRET name an administrator of the pool;
  without them it is who is logged in with az. Keys are made, deleted and purged: that costs money.`,
  );

function originOf(text: string): string {
  if (!URL.canParse(text) || new URL(text).protocol !== 'https:') {
    throw new InvalidArgumentError('It must be an https URL.');
  }
  return new URL(text).origin;
}

async function main(): Promise<number> {
  program.parse();
  const { against, yes, settle } = program.opts<Flags>();
  const files = program.args.map((part) => `mock-hsm/contract/${part}`);
  if (against === undefined) return vitest(files.length > 0 ? files : ['mock-hsm/contract/'], {});
  if (!yes && !(await confirmed(against))) return 1;
  const run = randomBytes(3).toString('hex');
  process.stdout.write(`keys of this run in ${against} begin with ct-${run}\n`);
  return vitest([...(files.length > 0 ? files : ['mock-hsm/contract/']), ...patience], {
    MHSM_CONTRACT_AGAINST: against,
    MHSM_CONTRACT_RUN: run,
    MHSM_CONTRACT_SETTLE_S: String(settle),
  });
}

/** One file at a time, since all share the two principals; RSA keys take the service seconds to make. */
const patience = ['--no-file-parallelism', '--testTimeout=600000', '--hookTimeout=1200000'];

async function confirmed(against: string): Promise<boolean> {
  const warning = `This makes, deletes and purges keys in ${against}, which costs money.`;
  if (!process.stdin.isTTY) {
    process.stderr.write(`${warning} Say --yes, or set MHSM_CONTRACT_YES=1.\n`);
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${warning} Go on? [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

function vitest(args: readonly string[], variables: NodeJS.ProcessEnv): Promise<number> {
  const bin = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const env = { ...process.env, ...variables };
  const child = spawn(process.execPath, [bin, 'run', ...args], { cwd: root, env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

process.exitCode = await main();
