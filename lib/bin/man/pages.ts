import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyProgram } from '../commands/create-key.ts';
import { listKeysProgram } from '../commands/list-keys.ts';
import { mhsmP11Program } from '../commands/mhsm-p11.ts';
import { validateConfigFileProgram } from '../commands/validate-config-file.ts';
import { configurationPage } from './configuration-page.ts';
import { programPage } from './program-page.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** Where the pages are checked in. */
export const FOLDER = join(ROOT, 'man');

/** The source of every page by its file's name. */
export function manualPages(): ReadonlyMap<string, string> {
  const programs = [mhsmP11Program(), createKeyProgram(), listKeysProgram(), validateConfigFileProgram()];
  const names = programs.map((program) => program.name());
  const markdown = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
  return new Map([
    ...programs.map((program) => [`${program.name()}.1`, programPage(program, names)] as const),
    ['mhsm-pkcs11.conf.5', configurationPage(markdown, names)],
  ]);
}
