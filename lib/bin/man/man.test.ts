import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { FOLDER, manualPages } from './pages.ts';
import { quoted, roff } from './roff.ts';

const run = promisify(execFile);
const pages = manualPages();

test('what is checked in is what npm run man makes', () => {
  const held = Object.fromEntries(readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]));
  expect(held).toEqual(Object.fromEntries(pages));
});

describe.each([...pages.keys()])('%s', (name) => {
  test('man has nothing to complain of, and shows it', async () => {
    const env = { ...process.env, LC_ALL: 'C.UTF-8', MANWIDTH: '80', MAN_KEEP_FORMATTING: '' };
    const { stdout, stderr } = await run('man', ['--warnings', '-l', join(FOLDER, name)], { env });
    expect(stderr).toBe('');
    for (const title of ['NAME', 'DESCRIPTION', 'ENVIRONMENT', 'SEE ALSO']) expect(stdout).toContain(`\n${title}\n`);
    expect(stdout).not.toMatch(/\\|undefined/);
  });
});

test('the page of mhsm-p11 has every command and its options', () => {
  const source = pages.get('mhsm-p11.1') ?? '';
  for (const command of [
    'doctor',
    'check',
    'csr',
    'self\\-sign',
    'sign',
    'verify',
    'tags show',
    'tags repair',
    'roles',
  ]) {
    expect(source).toContain(`.SS "mhsm\\-p11 ${command} [`);
  }
  expect(source).toContain('.B "\\-\\-subject <name>"');
});

test('text is never taken for a request', () => {
  expect(roff('.so /etc/passwd')).toBe('\\&.so /etc/passwd');
  expect(roff("'quote \\n")).toBe("\\&'quote \\en");
  expect(quoted('"a"')).toBe('"\\(dqa\\(dq"');
});
