import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { createKeyProgram } from './commands/create-key.ts';
import { listKeysProgram } from './commands/list-keys.ts';
import { mhsmP11Program } from './commands/mhsm-p11.ts';
import { validateConfigFileProgram } from './commands/validate-config-file.ts';
import { lineOf, UsageError, VERSION } from './program.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const programs = [mhsmP11Program(), createKeyProgram(), listKeysProgram(), validateConfigFileProgram()];

/** The command that the words lead to, and the words that are left. */
function follow(command: Command, words: readonly string[]): { command: Command; rest: readonly string[] } {
  const next = command.commands.find((each) => each.name() === words[0]);
  return next === undefined ? { command, rest: words } : follow(next, words.slice(1));
}

/** Calls of our programs in code spans and code blocks. */
function callsIn(markdown: string): string[] {
  const code = [...markdown.matchAll(/```[^\n]*\n(.*?)```|`([^`\n]+)`/gs)].map(
    ([, block, span]) => block ?? span ?? '',
  );
  const names = programs.map((program) => program.name()).join('|');
  return code.flatMap((text) =>
    [...text.matchAll(new RegExp(`^(?:\\$ )?(?:\\w+=\\S+ )*((?:${names})(?: .*)?)$`, 'gm'))].map(
      ([, call]) => call ?? '',
    ),
  );
}

describe.each(['README.md', 'docs/programs.md', 'docs/configuration.md'])('%s', (path) => {
  test('calls only what there is', () => {
    const calls = callsIn(read(path));
    expect(calls).not.toEqual([]);
    for (const call of calls) {
      const [name, ...words] = call.replaceAll(/'[^']*'/g, 'x').split(/\s+/);
      const program = programs.find((each) => each.name() === name) ?? mhsmP11Program();
      const { command, rest } = follow(program, words);
      if (command === program && program.commands.length > 0) expect({ call, rest }).toEqual({ call, rest: [] });
      const known = command.options.flatMap(({ long, short }) => [long, short]);
      expect({ call, unknown: rest.filter((word) => /^--?\w/.test(word) && !known.includes(word)) }).toEqual({
        call,
        unknown: [],
      });
    }
  });
});

test('the version is that of the package', () => {
  expect(VERSION).toBe((JSON.parse(read('package.json')) as { version: string }).version);
});

test('a complaint is one line without controls, with what to do', () => {
  expect(lineOf(new UsageError('--label a\n\u001b[31m is wrong', 'write\nanother'))).toBe(
    '--label a \\x1b[31m is wrong; hint: write another',
  );
});
