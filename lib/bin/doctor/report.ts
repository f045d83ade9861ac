import { printable } from '../terminal.ts';
import type { Finding, Outcome } from './finding.ts';

/** Findings under the place they are about: the configuration, or a slot. */
export interface Section {
  readonly place: string;
  readonly findings: readonly Finding[];
}

const SIGNS: Readonly<Record<Outcome, string>> = { good: '✓', warning: '!', failed: '✗', skipped: '-' };

function linesOf({ check, outcome, text, todo }: Finding, width: number): string {
  const line = `  ${SIGNS[outcome]} ${printable(check).padEnd(width)}  ${printable(text)}\n`;
  return todo === undefined ? line : `${line}      → ${printable(todo)}\n`;
}

export function sectionText({ place, findings }: Section): string {
  const width = Math.max(...findings.map(({ check }) => printable(check).length));
  return `${printable(place)}\n${findings.map((finding) => linesOf(finding, width)).join('')}`;
}

export function countOf(sections: readonly Section[], outcome: Outcome): number {
  return sections.flatMap(({ findings }) => findings).filter((finding) => finding.outcome === outcome).length;
}

export function summaryText(sections: readonly Section[]): string {
  const [failures, warnings] = [countOf(sections, 'failed'), countOf(sections, 'warning')];
  if (failures + warnings === 0) return 'All is well.\n';
  return `${failures} failure(s), ${warnings} warning(s).\n`;
}
