import { LOADS } from '../../coordinates.ts';
import type { KeyType, Measurement } from '../../result.ts';
import { byPoint, COLUMNS, type Column, ENOUGH_COLUMNS } from '../columns.ts';
import { everyEnough } from '../enough.ts';
import { ASK_ADVICE, ENOUGH, LOAD_NAMES } from '../wording.ts';
import { element } from './element.ts';

const classOf = (isNumber: boolean) => (isNumber ? 'number' : '');

function tableOf<Row>(columns: readonly Column<Row>[], all: readonly Row[], rowClass = (_: Row) => '') {
  const heads = columns.map(({ head, isNumber }) =>
    element('th', { className: classOf(isNumber), scope: 'col' }, head),
  );
  const rows = all.map((row) => {
    const cells = columns.map(({ isNumber, show }) => element('td', { className: classOf(isNumber) }, show(row)));
    return element('tr', { className: rowClass(row) }, ...cells);
  });
  return element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
}

function panelOf(title: string, table: HTMLElement, note = ''): HTMLElement {
  const properties = { className: 'scroll', tabIndex: 0, role: 'region', ariaLabel: title };
  const notes = note === '' ? [] : [element('p', { className: 'note' }, note)];
  const header = element('header', {}, element('h2', {}, title));
  return element('section', { className: 'panel' }, header, element('div', properties, table), ...notes);
}

/** What to set with keys of one type, a table a load; none where too little was measured. */
export function answersOf(all: readonly Measurement[], keyType: KeyType): HTMLElement[] {
  const enough = everyEnough(all).filter(({ measurement: { point } }) => point.keyType === keyType);
  return LOADS.flatMap((load) => {
    const rows = enough.filter(({ measurement: { point } }) => point.load === load);
    const workers = rows[0]?.measurement.point.workers;
    if (workers === undefined) return [];
    const title = `Which MaxConnections: ${LOAD_NAMES[load]}, ${keyType}, ${workers} workers`;
    return [panelOf(title, tableOf(ENOUGH_COLUMNS, rows), `${ENOUGH} ${ASK_ADVICE}`)];
  });
}

/** All measurements with keys of one type, a table a load. */
export function tablesOf(all: readonly Measurement[], keyType: KeyType): HTMLElement[] {
  const isNoisy = ({ isNoisy: it }: Measurement) => (it ? 'noisy' : '');
  return LOADS.flatMap((load) => {
    const rows = all.filter(({ point }) => point.load === load && point.keyType === keyType).toSorted(byPoint);
    return rows.length === 0 ? [] : [panelOf(`${LOAD_NAMES[load]}, ${keyType}`, tableOf(COLUMNS, rows, isNoisy))];
  });
}
