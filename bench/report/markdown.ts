import { KEY_TYPES, LOADS, type Measurement, type Result } from '../result.ts';
import { verdictOf } from '../verdict.ts';
import { byPoint, COLUMNS } from './columns.ts';
import { LOAD_NAMES, machineOf, occasionOf, programsOf } from './wording.ts';

const VERDICT = { met: 'yes', missed: 'NO', 'not judged': 'not judged', 'not measured': 'not measured' } as const;

const cell = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(heads: readonly string[], isNumber: readonly boolean[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(heads), `| ${isNumber.map((it) => (it ? '--:' : '---')).join(' | ')} |`, ...rows.map(line)].join('\n');
}

function measurementTable(measurements: readonly Measurement[]): string {
  return table(
    COLUMNS.map(({ head }) => head),
    COLUMNS.map((column) => column.isNumber),
    measurements.map((measurement) => COLUMNS.map(({ show }) => show(measurement))),
  );
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

/** One section a load and key type, folded but for the first of them, since there may be hundreds of rows. */
function sections({ measurements }: Result): string[] {
  const sorted = measurements.toSorted(byPoint);
  return LOADS.flatMap((load) => {
    const ofLoad = sorted.filter(({ point }) => point.load === load);
    if (ofLoad.length === 0) return [];
    const folded = KEY_TYPES.flatMap((keyType) => {
      const rows = ofLoad.filter(({ point }) => point.keyType === keyType);
      if (rows.length === 0) return [];
      const summary = `<summary>${keyType}, ${rows.length} points</summary>`;
      return [`<details>\n${summary}\n\n${measurementTable(rows)}\n\n</details>`];
    });
    return [`## ${LOAD_NAMES[load]} a second`, ...folded];
  });
}

/** The result as a Markdown page: the machine, the targets, and a table for each load and key type. */
export function markdownOf(result: Result): string {
  const facts = [occasionOf(result), machineOf(result), programsOf(result)].map((fact) => `- ${fact}`).join('\n');
  return `${['# Benchmark of mhsm-pkcs11', facts, ...targetTable(result), ...sections(result)].join('\n\n')}\n`;
}
