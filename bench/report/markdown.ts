import { KEY_TYPES, LOADS, type Result } from '../result.ts';
import { verdictOf } from '../verdict.ts';
import { byPoint, COLUMNS, type Column, ENOUGH_COLUMNS } from './columns.ts';
import { type Enough, everyEnough } from './enough.ts';
import { ASK_ADVICE, ENOUGH, LOAD_NAMES, machineOf, occasionOf, programsOf } from './wording.ts';

const VERDICT = { met: 'yes', missed: 'NO', 'not judged': 'not judged', 'not measured': 'not measured' } as const;

const cell = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(heads: readonly string[], isNumber: readonly boolean[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), `| ${isNumber.map((it) => (it ? '--:' : '---')).join(' | ')} |`, ...rows.map(line)].join('\n');
}

function tableBy<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  return table(
    columns.map(({ head }) => head),
    columns.map((column) => column.isNumber),
    rows.map((row) => columns.map(({ show }) => show(row))),
  );
}

const SUBJECT: readonly Column<Enough>[] = [
  { head: 'load', isNumber: false, show: ({ measurement: { point } }) => LOAD_NAMES[point.load] },
  { head: 'key', isNumber: false, show: ({ measurement: { point } }) => point.keyType },
  { head: 'workers', isNumber: true, show: ({ measurement: { point } }) => String(point.workers) },
];

/** What to set, by what was measured: the fewest connections that give nearly all. */
function enoughTable({ measurements }: Result): string[] {
  const rows = everyEnough(measurements);
  if (rows.length === 0) return [];
  const words = `${ENOUGH} ${ASK_ADVICE}`;
  return ['## Which MaxConnections', words, tableBy([...SUBJECT, ...ENOUGH_COLUMNS], rows)];
}

function targetTable({ targets }: Result): string[] {
  if (targets.length === 0) return [];
  const rows = targets.map((target) => {
    const { name, shown, wanted, from } = target;
    return [name, shown, wanted, VERDICT[verdictOf(target)], from];
  });
  const isNumber = [false, true, true, false, false];
  return ['## Targets', table(['target', 'figure', 'wanted', 'met', 'from'], isNumber, rows)];
}

/** One section a load, folded by key type, since there may be hundreds of rows. */
function sections({ measurements }: Result): string[] {
  const sorted = measurements.toSorted(byPoint);
  return LOADS.flatMap((load) => {
    const ofLoad = sorted.filter(({ point }) => point.load === load);
    if (ofLoad.length === 0) return [];
    const folded = KEY_TYPES.flatMap((keyType) => {
      const rows = ofLoad.filter(({ point }) => point.keyType === keyType);
      if (rows.length === 0) return [];
      const summary = `<summary>${keyType}, ${rows.length} ${rows.length === 1 ? 'point' : 'points'}</summary>`;
      return [`<details>\n${summary}\n\n${tableBy(COLUMNS, rows)}\n\n</details>`];
    });
    return [`## ${LOAD_NAMES[load]} a second`, ...folded];
  });
}

/** The result as a Markdown page: the machine, the targets, what to set, and a table for each load and key type. */
export function markdownOf(result: Result): string {
  const facts = [occasionOf(result), machineOf(result), programsOf(result)].map((fact) => `- ${fact}`).join('\n');
  return `${['# Benchmark of mhsm-pkcs11', facts, ...targetTable(result), ...enoughTable(result), ...sections(result)].join('\n\n')}\n`;
}
