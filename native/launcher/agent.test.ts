import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mhsm-agent-script-'));
  for (const folder of ['native/launcher', 'dist', 'bin']) mkdirSync(join(root, folder), { recursive: true });
  copyFileSync(join(import.meta.dirname, 'agent.sh'), join(root, 'native/launcher/agent.sh'));
  writeFileSync(join(root, 'dist/agent.cjs'), 'console.log(JSON.stringify(process.execArgv))');
});
afterEach(() => rmSync(root, { recursive: true }));

/** What the agent's Node was told, in a checkout without a Node of its own. */
function optionsOfNode(): string[] {
  const env = { PATH: `${join(root, 'bin')}:/usr/bin:/bin` };
  return JSON.parse(execFileSync('sh', [join(root, 'native/launcher/agent.sh')], { env, encoding: 'utf8' }));
}

test('a Node of the system that can opens no debugger from its first moment', () => {
  symlinkSync(execPath, join(root, 'bin/node'));
  expect(optionsOfNode()).toContain('--disable-sigusr1');
});

test('one that does not know the option starts the agent without', () => {
  const older = `#!/bin/sh\n[ "$1" != --disable-sigusr1 ] || { echo bad option >&2; exit 9; }\nexec '${execPath}' "$@"\n`;
  writeFileSync(join(root, 'bin/node'), older, { mode: 0o755 });
  expect(optionsOfNode()).not.toContain('--disable-sigusr1');
});
