/** SoftHSM 2, for the promises of the standard: it shows that they are about PKCS#11 and not about this library. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CKR_OK } from '../../lib/pkcs11/constants.ts';
import type { Subject, SubjectKind, Traits } from '../subject.ts';
import { driveModule } from './drive.ts';
import { LoadedModule } from './pkcs11js.ts';
import { initializeToken, PIN, SOFTHSM } from './softhsm-token.ts';

/** The slot that holds the token: the first of those with one. */
async function slotOf(loaded: LoadedModule): Promise<number> {
  await loaded.call('initialize', {});
  const { rv, values } = await loaded.call('getSlotList', { tokenPresent: true });
  await loaded.call('finalize', {});
  const slot = values?.slots[0];
  if (rv !== CKR_OK || slot === undefined) throw new Error('SoftHSM has no token: does softhsm2-util work here?');
  return slot;
}

const traits: Traits = {
  title: 'SoftHSM 2 through pkcs11js',
  isOurs: false,
  isModule: true,
  seesLengths: false,
};

async function open(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'softhsm-conformance-'));
  const configuration = await initializeToken(folder);
  process.env.SOFTHSM2_CONF = configuration;
  const loaded = new LoadedModule(SOFTHSM);
  return {
    name: 'softhsm',
    ...traits,
    slot: await slotOf(loaded),
    pin: Buffer.from(PIN),
    wrongPin: Buffer.from('000000'),
    start: () => loaded,
    drive: () => driveModule(SOFTHSM, { SOFTHSM2_CONF: configuration }),
    close: async () => {
      loaded.unload();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const softhsm: SubjectKind = { ...traits, open };
