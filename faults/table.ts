import type { Row } from './strike.ts';

const HEAD = [
  'fault',
  'times',
  'offered/s',
  'done/s',
  'done',
  'failed',
  'slowest ms',
  'longest stall ms',
  'failed last, ms after its end',
  'established: ended, slowest ms',
  'what the log said',
  'bound',
  'within',
];
const MAX_LINE = 160;
/** Timers are coarse. */
const AS_ASKED = 0.98;

/** As a cell of a table: one line, no bars, and none of this machine's temporary paths. */
function cell(text: string): string {
  const short = text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
  return short.replaceAll('|', '\\|').replaceAll(/\/tmp\/[\w.-]+\//g, '…/');
}

function verdictOf({ skipped, violations }: Row): string {
  if (skipped !== undefined) return `not done: ${skipped}`;
  return violations.length === 0 ? 'yes' : `**no**: ${violations.join('; ')}`;
}

/** Whether the clients came as often as they were to, wherever the server had room for them. */
export function isOfferedAsAsked({ skipped, askedPerSecond, offeredPerSecond }: Row): boolean {
  return skipped !== undefined || offeredPerSecond >= askedPerSecond * AS_ASKED;
}

function cellsOf(row: Row): string[] {
  const { slowestMs, longestStallMs, recoveredAfterMs, establishedEnded, establishedSlowestMs } = row;
  const offered = isOfferedAsAsked(row) ? `${row.offeredPerSecond}` : `**${row.offeredPerSecond}**`;
  const numbers = [row.donePerSecond, row.done, row.failed, slowestMs, longestStallMs, recoveredAfterMs].map(String);
  const established = `${establishedEnded}, ${establishedSlowestMs}`;
  return [row.what, `${row.times}`, offered, ...numbers, established, row.logLine, row.bound, verdictOf(row)];
}

/** The table of the report, in Markdown. */
export function markdownOf(rows: readonly Row[]): string {
  const lines = [HEAD, HEAD.map(() => '---'), ...rows.map(cellsOf)];
  return `${lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')}\n`;
}

/** One line on how a fault went, while the next one begins. */
export function progressOf(row: Row): string {
  const { fault, skipped, offeredPerSecond, done, failed, slowestMs, violations } = row;
  if (skipped !== undefined) return `  - ${fault}: not done: ${skipped}`;
  const seen = `${offeredPerSecond}/s offered, ${done} done, ${failed} failed, slowest ${slowestMs} ms`;
  return violations.length === 0 ? `  ✓ ${fault}: ${seen}` : `  ✗ ${fault}: ${seen}: ${violations.join('; ')}`;
}
