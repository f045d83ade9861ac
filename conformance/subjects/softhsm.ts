/** SoftHSM 2, for the promises of the standard: it shows that they are about PKCS#11 and not about this library. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../../demo/process.ts';
import { CKR_OK } from '../../lib/pkcs11/constants.ts';
import type { Subject, SubjectKind } from '../subject.ts';
import { LoadedModule } from './pkcs11js.ts';

/** Where the package softhsm2 of Debian puts it. */
export const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';
const PIN = '246810';

/** A folder with a token of its own; gives the path of the configuration. */
export async function initializeToken(folder: string): Promise<string> {
  const tokens = join(folder, 'tokens');
  const configuration = join(folder, 'softhsm2.conf');
  mkdirSync(tokens);
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const env = { PATH: process.env.PATH, SOFTHSM2_CONF: configuration };
  const words = ['--init-token', '--free', '--label', 'conformance', '--so-pin', '135791', '--pin', PIN];
  await mustRun('softhsm2-util', words, { env });
  return configuration;
}

/** The slot that holds the token: the first of those with one. */
async function slotOf(loaded: LoadedModule): Promise<number> {
  await loaded.call('initialize', {});
  const { rv, values } = await loaded.call('getSlotList', { tokenPresent: true });
  await loaded.call('finalize', {});
  const slot = values?.slots[0];
  if (rv !== CKR_OK || slot === undefined) throw new Error('SoftHSM has no token: does softhsm2-util work here?');
  return slot;
}

async function open(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'softhsm-conformance-'));
  process.env.SOFTHSM2_CONF = await initializeToken(folder);
  const loaded = new LoadedModule(SOFTHSM);
  return {
    name: 'softhsm',
    title: softhsm.title,
    isOurs: false,
    seesLengths: false,
    isModule: true,
    slot: await slotOf(loaded),
    pin: Buffer.from(PIN),
    wrongPin: Buffer.from('000000'),
    start: () => loaded,
    close: async () => {
      loaded.unload();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const softhsm: SubjectKind = { title: 'SoftHSM 2 through pkcs11js', open };
