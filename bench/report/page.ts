// The result as one HTML file that needs nothing else: style, program, the libraries it uses and the result are in it.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Result, Target } from '../result.ts';
import { verdictOf } from '../verdict.ts';
import { dataElement } from './embedded-data.ts';
import { pageProgram } from './page-program.ts';
import { machineOf, occasionOf, programsOf } from './wording.ts';

const BROWSER = join(import.meta.dirname, 'browser');
/** The page of the mock and this one look alike; the second has the last word. */
const STYLES = [join(import.meta.dirname, '../../mock-hsm/page/browser/base.css'), join(BROWSER, 'style.css')];

const VERDICT_CLASS = { met: 'met', missed: 'missed', 'not judged': 'faint', 'not measured': 'missed' } as const;

/** Whatever stands in a result is text here, never markup. */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

function targetRow(target: Target): string {
  const { name, shown, wanted, from } = target;
  const word = verdictOf(target);
  const verdict = `<td class="${VERDICT_CLASS[word]}">${word === 'missed' ? 'MISSED' : word}</td>`;
  const [what, figure, bound, source] = [name, shown, wanted, from].map(escaped);
  return `<tr><td>${what}</td><td class="number">${figure}</td><td class="number">${bound}</td>${verdict}<td>${source}</td></tr>`;
}

function targetTable({ targets }: Result): string {
  if (targets.length === 0) return '';
  const heads = '<th>target</th><th class="number">figure</th><th class="number">wanted</th><th></th><th>from</th>';
  return `<section class="panel"><header><h2>Targets</h2></header><div class="scroll" tabindex="0" role="region" aria-label="Targets"><table><thead><tr>${heads}</tr></thead><tbody>${targets.map(targetRow).join('')}</tbody></table></div></section>`;
}

/** The page, complete. Its policy forbids the browser to fetch anything. */
export async function pageOf(result: Result): Promise<string> {
  const { code, licences } = await pageProgram();
  const style = STYLES.map((file) => readFileSync(file, 'utf8')).join('\n');
  // Plot writes style into its drawings, which only 'unsafe-inline' allows.
  const policy = `default-src 'none'; script-src ${hashOf(code)}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Benchmark of mhsm-pkcs11, ${escaped(result.startedAt.slice(0, 10))}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
<!-- Libraries in this page:
${licences.join('\n\n').replaceAll('--', '- -')}
-->
</head>
<body>
<header class="top">
<h1>Benchmark of mhsm-pkcs11</h1>
<p>${escaped(occasionOf(result))}</p>
<p>${escaped(machineOf(result))}</p>
<p class="faint">${escaped(programsOf(result))}</p>
</header>
<main>
<noscript><p class="panel">The plots need JavaScript. The same figures stand in result.md and result.json.</p></noscript>
<form id="choices" class="panel" autocomplete="off"></form>
<div id="answers"></div>
<div id="plots"></div>
${targetTable(result)}
<div id="tables"></div>
</main>
${dataElement(result)}
<script>${code}</script>
</body>
</html>
`;
}
