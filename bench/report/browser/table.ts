import type { KeyType, Measurement } from '../../result.ts';
import { byPoint, COLUMNS } from '../columns.ts';
import { LOAD_NAMES } from '../wording.ts';
import { element } from './element.ts';

const classOf = (isNumber: boolean) => (isNumber ? 'number' : '');

function tableOf(measurements: readonly Measurement[]): HTMLElement {
  const heads = COLUMNS.map(({ head, isNumber }) =>
    element('th', { className: classOf(isNumber), scope: 'col' }, head),
  );
  const rows = measurements.map((measurement) => {
    const cells = COLUMNS.map(({ isNumber, show }) =>
      element('td', { className: classOf(isNumber) }, show(measurement)),
    );
    return element('tr', { className: measurement.isNoisy ? 'noisy' : '' }, ...cells);
  });
  return element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...rows));
}

/** All measurements with keys of one type, a table a load. */
export function tablesOf(all: readonly Measurement[], keyType: KeyType): HTMLElement[] {
  return (['signs', 'handshakes'] as const).flatMap((load) => {
    const rows = all.filter(({ point }) => point.load === load && point.keyType === keyType).toSorted(byPoint);
    if (rows.length === 0) return [];
    const title = `${LOAD_NAMES[load]}, ${keyType}`;
    const scroll = element(
      'div',
      { className: 'scroll', tabIndex: 0, role: 'region', ariaLabel: title },
      tableOf(rows),
    );
    return [element('section', { className: 'panel' }, element('header', {}, element('h2', {}, title)), scroll)];
  });
}
