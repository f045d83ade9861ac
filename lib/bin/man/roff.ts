/** Text as man(7) source. */

/** A text of a paragraph: backslashes and hyphens as they are, a dot or quote at its beginning no request. */
export function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...').replaceAll('’', '\\(cq');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** The argument of a request, in quotes. */
export function quoted(text: string): string {
  return `"${roff(text).replaceAll('"', '\\(dq')}"`;
}

export function section(title: string, ...lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${quoted(title)}`, ...lines];
}

/** A term in bold with what it means, indented. */
export function item(term: string, ...meaning: readonly string[]): string[] {
  return ['.TP', `.B ${quoted(term)}`, ...meaning.map(roff)];
}

/** Lines kept as they are, for examples. */
export function verbatim(text: string): string[] {
  return ['.PP', '.nf', ...text.split('\n').map(roff), '.fi'];
}

export interface Title {
  readonly name: string;
  readonly section: 1 | 5;
  readonly source: string;
  readonly manual: string;
}

export function page({ name, section: number, source, manual }: Title, ...lines: readonly string[]): string {
  const title = `.TH ${quoted(name)} ${number} "" ${quoted(source)} ${quoted(manual)}`;
  return `${['.\\" Made by npm run man: do not edit.', title, ...lines].join('\n')}\n`;
}
