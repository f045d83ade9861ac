/**
 * What the clients of a TLS server see while something goes wrong behind it: each fault of the table under load, held
 * against its bound. Prints how it goes, writes the table as Markdown and JSON, and ends with 1 when a bound is broken.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Form } from './fault.ts';
import { FAULTS } from './faults.ts';
import { runOverload } from './overload-run.ts';
import { Scene } from './scene.ts';
import { type Row, strike } from './strike.ts';
import { isOfferedAsAsked, markdownOf, progressOf } from './table.ts';
import { ALLOWANCES } from './verdict.ts';

interface Options {
  short?: true;
  overload?: true;
  only?: string;
  rate: string;
  out: string;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function write(folder: string, rows: readonly Row[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'faults.md'), markdownOf(rows));
  writeFileSync(join(folder, 'faults.json'), `${JSON.stringify(rows, null, 2)}\n`);
}

async function run({ short, overload, only, rate, out }: Options): Promise<void> {
  const form: Form = short ? 'short' : 'whole';
  if (overload) return runOverload(form, out);
  const { deadlineMs } = ALLOWANCES[form];
  const chosen = FAULTS.filter(({ name }) => only === undefined || name.includes(only));
  if (chosen.length === 0) throw new Error(`no fault has "${only}" in its name`);
  const processor = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load ${loadavg()[0]?.toFixed(1)}`;
  say(`${chosen.length} faults under ${rate} handshakes/s, deadline ${deadlineMs} ms, on ${processor}`);
  const scene = await Scene.start({ deadlineMs, ratePerSecond: Number(rate) });
  const rows: Row[] = [];
  const beganMs = performance.now();
  try {
    for (const fault of chosen) {
      const row = await strike(fault, scene, form);
      rows.push(row);
      say(progressOf(row));
      write(out, rows);
    }
  } finally {
    await scene.stop();
  }
  const slow = rows.filter((row) => !isOfferedAsAsked(row)).map(({ fault }) => fault);
  if (slow.length > 0) say(`fewer than ${rate} handshakes/s were offered: ${slow.join(', ')}`);
  const broken = rows.filter(({ violations }) => violations.length > 0);
  const minutes = ((performance.now() - beganMs) / 60_000).toFixed(1);
  say(
    `${rows.length - broken.length} of ${rows.length} within their bounds after ${minutes} min; ` +
      `the table is in ${join(out, 'faults.md')}`,
  );
  if (broken.length > 0) process.exitCode = 1;
}

// So that what is mounted is unmounted.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

await new Command('npm run faults --')
  .description('What clients of a TLS server see while something goes wrong behind it.')
  .option('--short', 'few repetitions, short outages, a deadline of 8 s: what runs with the tests')
  .option('--overload', 'more than the HSM signs, instead of the faults')
  .option('--only <text>', 'only faults with this in their name')
  .option('--rate <number>', 'new TLS connections a second', '200')
  .option('--out <folder>', 'where faults.md and faults.json go', '.faults')
  .action(run)
  .parseAsync();
