import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeCacheFileOf, loadProgram, sealedCache, WRAPPER } from './code-cache.ts';

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
  folder = mkdtempSync(join(tmpdir(), 'code-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Whether the agent's Node takes the cache that lies beside a program. */
function isTaken(program: string): boolean {
  const load = `import { loadProgram } from '${join(import.meta.dirname, 'code-cache.ts')}';
    console.log(loadProgram(process.argv[1]).script.cachedDataRejected);`;
  const args = [...agentOptions(), '--input-type=module', '-e', load, program];
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).trim() === 'false';
}

/** A program in the test's folder, with a cache of it. */
function cached(text: string): string {
  const program = join(folder, 'program.js');
  writeFileSync(program, wrapped(text));
  const { script } = loadProgram(program);
  script.runInThisContext();
  writeFileSync(codeCacheFileOf(program), sealedCache(readFileSync(program), script.createCachedData()));
  return program;
}

const ran = (program: string): unknown => {
  Reflect.deleteProperty(globalThis, 'ran');
  loadProgram(program).run();
  return Reflect.get(globalThis, 'ran');
};

test('the cache of the agent is taken by the Node that starts it', () => {
  expect(isTaken(builtProgram())).toBe(true);
});

test('a program does what its text says, also where another of the same length was cached', () => {
  const program = cached('globalThis.ran = 1;');
  expect(loadProgram(program).script.cachedDataRejected).toBe(false);
  writeFileSync(program, wrapped('globalThis.ran = 2;'));
  expect(loadProgram(program).script.cachedDataRejected).toBeUndefined();
  expect(ran(program)).toBe(2);
});

test('of a cache that is damaged in any place nothing is taken', () => {
  const program = cached('globalThis.ran = 3;');
  const whole = readFileSync(codeCacheFileOf(program));
  for (let at = 0; at < whole.length; at += 7) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    writeFileSync(codeCacheFileOf(program), damaged);
    expect(loadProgram(program).script.cachedDataRejected, `byte ${at}`).toBeUndefined();
  }
  writeFileSync(codeCacheFileOf(program), whole.subarray(0, -1));
  expect(loadProgram(program).script.cachedDataRejected).toBeUndefined();
  expect(ran(program)).toBe(3);
});

test('a program knows where it is, without a cache and with a file that is none', () => {
  const program = join(folder, 'program.js');
  writeFileSync(program, wrapped(`globalThis.ran = require('node:path').basename(new URL(moduleUrl).pathname);`));
  for (const cache of [undefined, '', 'no code']) {
    if (cache !== undefined) writeFileSync(codeCacheFileOf(program), cache);
    expect(ran(program)).toBe('program.js');
  }
});
