import type { Row } from './strike.ts';

const HEAD = [
  'fault',
  'times',
  'handshakes/s',
  'done',
  'failed',
  'slowest ms',
  'longest stall ms',
  'failed last, ms after its end',
  'established: ended, slowest ms',
  'what the log said',
  'within its bound',
];
const MAX_LINE = 160;

/** As a cell of a table: one line, no bars, and none of this machine's temporary paths. */
function cell(text: string): string {
  const short = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
  return short.replaceAll('|', '\\|').replaceAll(/\/tmp\/[\w.-]+\//g, '…/');
}

function verdictOf({ skipped, violations }: Row): string {
  if (skipped !== undefined) return `not done: ${skipped}`;
  return violations.length === 0 ? 'yes' : `**no**: ${violations.join('; ')}`;
}

function cellsOf(row: Row): string[] {
  const { longestStallMs, recoveredAfterMs, establishedEnded, establishedSlowestMs } = row;
  const numbers = [row.times, row.ratePerSecond, row.done, row.failed, row.slowestMs, longestStallMs, recoveredAfterMs];
  const established = `${establishedEnded}, ${establishedSlowestMs}`;
  return [row.what, ...numbers.map(String), established, row.logLine, verdictOf(row)];
}

/** The table of the report, in Markdown. */
export function markdownOf(rows: readonly Row[]): string {
  const lines = [HEAD, HEAD.map(() => '---'), ...rows.map(cellsOf)];
  return `${lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')}\n`;
}

/** One line on how a fault went, while the next one begins. */
export function progressOf(row: Row): string {
  const { fault, skipped, done, failed, slowestMs, violations } = row;
  if (skipped !== undefined) return `  - ${fault}: not done: ${skipped}`;
  const seen = `${done} done, ${failed} failed, slowest ${slowestMs} ms`;
  return violations.length === 0 ? `  ✓ ${fault}: ${seen}` : `  ✗ ${fault}: ${seen}: ${violations.join('; ')}`;
}
