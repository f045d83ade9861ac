/** The report: promise by promise, what holds where. In Markdown, and as a page that needs nothing else. */

import type { Verdict } from './check.ts';
import type { PromiseText } from './promise.ts';

export interface Run {
  readonly seed: number;
  readonly runs: number;
  /** ISO 8601. */
  readonly date: string;
  /** Name and title of each subject, in the order of the columns. */
  readonly subjects: readonly { readonly name: string; readonly title: string }[];
  readonly verdicts: readonly Verdict[];
  /** Where the program of a failure lies, by promise and subject. */
  readonly programs: ReadonlyMap<Verdict, string>;
}

const BY: Readonly<Record<PromiseText['by'], string>> = {
  standard: 'the standard',
  ours: 'this library',
  codec: 'this library, no calls',
};

function promisesOf(run: Run): PromiseText[] {
  return [...new Map(run.verdicts.map(({ promise }) => [promise.id, promise])).values()];
}

const verdictOf = (run: Run, promise: PromiseText, subject: string) =>
  run.verdicts.find((verdict) => verdict.promise.id === promise.id && verdict.subject === subject);

function cellOf(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '';
  return `${verdict.outcome}, ${verdict.runs} ${verdict.runs === 1 ? 'run' : 'runs'}`;
}

const count = (run: Run, outcome: Verdict['outcome']) =>
  run.verdicts.filter((verdict) => verdict.outcome === outcome).length;

function summaryOf(run: Run): string {
  const held = `${count(run, 'holds')} hold, ${count(run, 'differs')} differ as explained, ${count(run, 'broken')} broken`;
  return `${promisesOf(run).length} promises, ${run.runs} runs each, seed ${run.seed}, ${run.date}: ${held}.`;
}

const inTable = (text: string) => text.replaceAll('|', '\\|');

export function markdownOf(run: Run): string {
  const head = ['promise', 'by', 'section', ...run.subjects.map(({ name }) => name)];
  const rows = promisesOf(run).map((promise) => [
    `${promise.title} (\`${promise.id}\`)`,
    BY[promise.by],
    promise.spec,
    ...run.subjects.map(({ name }) => cellOf(verdictOf(run, promise, name))),
  ]);
  const table = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(inTable).join(' | ')} |`);
  const subjects = run.subjects.map(({ name, title }) => `- ${name}: ${title}`);
  const differing = run.verdicts.filter(({ outcome }) => outcome === 'differs');
  const differences = differing.map((it) => `- ${it.subject}, \`${it.promise.id}\`: ${it.explanation}`);
  const broken = run.verdicts.filter(({ outcome }) => outcome === 'broken');
  const failures = broken.map(({ promise, subject, failure }, i) =>
    [
      `### ${promise.title} (${subject})`,
      `${failure?.message}. Smallest input:`,
      `\`\`\`\n${failure?.counterexample}\n\`\`\``,
      `Program: \`${run.programs.get(broken[i] as Verdict) ?? 'none'}\``,
    ].join('\n\n'),
  );
  return [
    '# Conformance',
    summaryOf(run),
    subjects.join('\n'),
    table.join('\n'),
    ...(differences.length === 0 ? [] : ['## Differences', differences.join('\n')]),
    ...(failures.length === 0 ? [] : ['## Broken', ...failures]),
    '',
  ].join('\n\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #1c1c1c }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #ddd }
th { position: sticky; top: 0; background: #fff }
code, pre { font: 13px/1.4 ui-monospace, monospace; color: #555 }
pre { background: #f6f6f6; padding: .8rem; overflow: auto; max-height: 30rem }
td.holds { color: #17642b } td.differs { color: #8a5a00 } td.broken { color: #b00020; font-weight: 600 }
td.none { color: #aaa } td small { color: #666 }
@media (prefers-color-scheme: dark) {
  body { background: #161616; color: #e6e6e6 } th { background: #161616 } th, td { border-color: #333 }
  pre { background: #202020 } code, pre { color: #aaa }
  td.holds { color: #6fcf87 } td.differs { color: #e0b050 } td.broken { color: #ff7b8a } td small { color: #999 }
}`;

function htmlCell(verdict: Verdict | undefined): string {
  if (verdict === undefined) return '<td class="none">–</td>';
  const why = verdict.explanation ?? verdict.failure?.message;
  const note = why === undefined ? '' : `<br><small>${escaped(why)}</small>`;
  const runs = `<small>${verdict.runs} ${verdict.runs === 1 ? 'run' : 'runs'}</small>`;
  return `<td class="${verdict.outcome}">${verdict.outcome} ${runs}${note}</td>`;
}

function htmlRow(run: Run, promise: PromiseText): string {
  const cells = run.subjects.map(({ name }) => htmlCell(verdictOf(run, promise, name))).join('');
  const words = `${escaped(promise.title)}<br><code>${promise.id}</code>`;
  return `<tr><td>${words}</td><td>${BY[promise.by]}</td><td>${escaped(promise.spec)}</td>${cells}</tr>`;
}

function htmlFailure(run: Run, verdict: Verdict, textOf: (file: string) => string): string {
  const { promise, subject, failure } = verdict;
  const file = run.programs.get(verdict);
  const program = file === undefined ? '' : `<p><code>${escaped(file)}</code></p><pre>${escaped(textOf(file))}</pre>`;
  return `<h3>${escaped(promise.title)} (${subject})</h3><p>${escaped(failure?.message ?? '')}</p>
<pre>${escaped(failure?.counterexample ?? '')}</pre>${program}`;
}

/** `textOf` gives the text of a program's file. */
export function htmlOf(run: Run, textOf: (file: string) => string): string {
  const broken = run.verdicts.filter(({ outcome }) => outcome === 'broken');
  const failures = broken.map((verdict) => htmlFailure(run, verdict, textOf)).join('\n');
  const head = ['Promise', 'By', 'Section', ...run.subjects.map(({ name }) => name)];
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Conformance</title><style>${STYLE}</style>
<h1>Conformance</h1><p>${escaped(summaryOf(run))}</p>
<ul>${run.subjects.map(({ name, title }) => `<li>${name}: ${escaped(title)}</li>`).join('')}</ul>
${broken.length === 0 ? '' : `<h2>Broken</h2>${failures}`}
<h2>Promise by promise</h2>
<table><thead><tr>${head.map((word) => `<th>${escaped(word)}</th>`).join('')}</tr></thead>
<tbody>${promisesOf(run)
    .map((promise) => htmlRow(run, promise))
    .join('\n')}</tbody></table></html>
`;
}
