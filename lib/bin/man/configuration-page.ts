/** The manual page of the configuration file, from the tables of docs/configuration.md. */
import { VERSION } from '../program.ts';
import { item, page, roff, section } from './roff.ts';

const CELL = /(?<!\\)\|/;

/** Markdown's marks are not for a manual page. */
function plain(text: string): string {
  return text
    .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replaceAll(/`|\*\*/g, '')
    .replaceAll('\\|', '|')
    .trim();
}

/** The rows of the table under a heading, without its head. */
function tableUnder(heading: string, markdown: string): string[][] {
  const [, rest = ''] = markdown.split(new RegExp(`^#+ ${heading}$`, 'm'));
  const [body = ''] = rest.split(/^#+ /m);
  const rows = body.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) => row.split(CELL).slice(1, -1).map(plain));
}

function keys(heading: string, markdown: string): string[] {
  return tableUnder(heading, markdown).flatMap(([key = '', type = '', meaning = '']) =>
    item(key, `(${type})`, meaning),
  );
}

/** man(7) source of mhsm-pkcs11.conf(5). Throws when the document has lost one of its tables. */
export function configurationPage(markdown: string, programs: readonly string[]): string {
  const closed = keys('Keys of the closed library', markdown);
  const own = keys('Keys of our own', markdown);
  const environment = tableUnder('Environment', markdown).flatMap(([name = '', what = '']) => item(name, what));
  if ([closed, own, environment].some((lines) => lines.length === 0)) {
    throw new Error('docs/configuration.md: a table of keys or of the environment is missing');
  }
  return page(
    { name: 'MHSM-PKCS11.CONF', section: 5, source: `mhsm-pkcs11 ${VERSION}`, manual: 'File Formats' },
    ...section('NAME', 'mhsm\\-pkcs11.conf \\- configuration of the PKCS#11 library for Azure Managed HSM'),
    ...section(
      'DESCRIPTION',
      roff(
        'The file is JSON; its keys are matched without regard to case. It is MHSM_PKCS11_CONF, else /etc/mhsm-pkcs11.conf.',
      ),
      roff(
        'A key that nobody knows is a warning, a wrong value an error with file and line: mhsm_p11_validate_config_file says both.',
      ),
    ),
    ...section('KEYS OF THE CLOSED LIBRARY', ...closed),
    ...section('KEYS OF OUR OWN', ...own),
    ...section('ENVIRONMENT', ...environment),
    ...section('FILES', ...item('/etc/mhsm-pkcs11.conf', 'the default')),
    ...section('SEE ALSO', roff(programs.map((name) => `${name}(1)`).join(', '))),
  );
}
