/** The tokens of SoftHSM 2 for one run. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../../demo/process.ts';

/** Where the package softhsm2 of Debian puts it. */
export const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';
/** User PIN of a test's token. */
export const PIN = '246810';

/** Two tokens in a folder of their own; gives the path of the configuration. */
export async function initializeTokens(folder: string): Promise<string> {
  const tokens = join(folder, 'tokens');
  const configuration = join(folder, 'softhsm2.conf');
  mkdirSync(tokens);
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const env = { PATH: process.env.PATH, SOFTHSM2_CONF: configuration };
  for (const label of ['conformance', 'conformance again']) {
    const words = ['--init-token', '--free', '--label', label, '--so-pin', '135791', '--pin', PIN];
    await mustRun('softhsm2-util', words, { env });
  }
  return configuration;
}
