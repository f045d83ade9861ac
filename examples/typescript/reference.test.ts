import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const GENERATOR = join(import.meta.dirname, '../../docs/generator');

test('every exported symbol has its place in the reference, with words of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mhsm-reference-'));
  const typedoc = join(GENERATOR, 'node_modules/typedoc/bin/typedoc');
  // It fails for a symbol without a docstring, and for a link that leads nowhere.
  execFileSync(process.execPath, [typedoc, '--out', folder], { cwd: GENERATOR, encoding: 'utf8' });
  const reference = readFileSync(join(folder, 'README.md'), 'utf8').replaceAll('\\', '');
  rmSync(folder, { recursive: true });
  const index = readFileSync(join(GENERATOR, '../../lib/api/index.ts'), 'utf8');
  const names = [...index.matchAll(/export (?:type )?\{([^}]+)\}/g)].flatMap(
    ([, list = '']) => list.match(/\w+/g) ?? [],
  );
  const exported = names.filter((name) => name !== 'type');
  expect(exported).toContain('openManagedHsm');
  for (const name of exported) expect(reference).toMatch(new RegExp(`^#+ ${name}\\b`, 'm'));
});
