import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeFileOf, loadProgram, WRAPPER } from './kept-code.ts';

const ROOT = join(import.meta.dirname, '../..');

function builtProgram(): string {
  const name = readdirSync(join(ROOT, 'dist')).find((file) => /^agent-program-\w+\.js$/.test(file));
  if (name === undefined) throw new Error('dist/ has no program of the agent: npm run build');
  return join(ROOT, 'dist', name);
}

/** Of its Node, as the script gives them. */
function agentOptions(): string[] {
  const script = readFileSync(join(ROOT, 'native/launcher/agent.sh'), 'utf8');
  const options = / \$debugger (?<options>.*) "\$root/.exec(script)?.groups?.options;
  if (options === undefined)
    throw new Error('native/launcher/agent.sh starts its Node in another way than this test knows');
  return options.split(' ');
}

const wrapped = (text: string) => `${WRAPPER.before}${text}${WRAPPER.after}`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kept-code-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Whether the agent's Node takes the code that lies beside a program. */
function isTaken(program: string): boolean {
  const load = `import { loadProgram } from '${join(import.meta.dirname, 'kept-code.ts')}';
    console.log(loadProgram(process.argv[1]).script.cachedDataRejected);`;
  const args = [...agentOptions(), '--input-type=module', '-e', load, program];
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim() === 'false';
}

test('the code that was kept of the agent is taken by the Node that starts it', () => {
  expect(isTaken(builtProgram())).toBe(true);
});

test('kept code of another text is not taken', () => {
  const program = join(folder, basename(builtProgram()));
  copyFileSync(codeFileOf(builtProgram()), codeFileOf(program));
  writeFileSync(program, wrapped('process.exitCode = 0;'));
  expect(isTaken(program)).toBe(false);
});

test('a program runs without kept code, and with code that is none', () => {
  const program = join(folder, 'program.js');
  const text = `globalThis.ran = require('node:path').basename(new URL(moduleUrl).pathname);`;
  writeFileSync(program, wrapped(text));
  for (const code of [undefined, '', 'no code']) {
    if (code !== undefined) writeFileSync(codeFileOf(program), code);
    Reflect.deleteProperty(globalThis, 'ran');
    loadProgram(program).run();
    expect(Reflect.get(globalThis, 'ran')).toBe('program.js');
  }
});
