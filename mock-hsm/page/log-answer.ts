// The request log as the page shows it: the newest lines that match, with names for ids.
import type { RequestLog } from '../traffic/request-log.ts';
import type { LogAnswer, LogLine } from './api.ts';

const maxLines = 200;

/**
 * The newest lines after `after` that hold every word of the filter. A word such as `status:403` or `operation:sign`
 * looks at that field alone.
 */
export function logAnswer(
  log: RequestLog,
  { after, filter }: { readonly after: number; readonly filter: string },
  nameOf: (objectId: string) => string | undefined,
): LogAnswer {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const entries = log.after(after);
  const lines: LogLine[] = [];
  for (const entry of entries.toReversed()) {
    const who = entry.principal === undefined ? undefined : nameOf(entry.principal);
    const line = who === undefined ? entry : { ...entry, who };
    if (words.every((word) => holds(line, word))) lines.push(line);
    if (lines.length === maxLines) break;
  }
  return { lines: lines.reverse(), last: entries.at(-1)?.sequence ?? after };
}

function holds(line: LogLine, word: string): boolean {
  const [, field, wanted] = /^(\w+):(.+)$/.exec(word) ?? [];
  if (field !== undefined && wanted !== undefined) {
    const found = Object.entries(line).find(([name]) => name.toLowerCase() === field);
    if (found !== undefined) return String(found[1]).toLowerCase().includes(wanted);
  }
  const { operation, who, principal, role, reason, key, algorithm, status, path } = line;
  return [operation, who, principal, role, reason, key, algorithm, status, path]
    .join('\n')
    .toLowerCase()
    .includes(word);
}
