/** SoftHSM 2, for the promises of the standard: it shows that they are about PKCS#11 and not about this library. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CKR_OK } from '../../lib/pkcs11/constants.ts';
import { firstOf, type Subject, type SubjectKind, type Token, type Traits } from '../subject.ts';
import { driveModule } from './drive.ts';
import { LoadedModule } from './pkcs11js.ts';
import { initializeTokens, PIN, SOFTHSM } from './softhsm-token.ts';

/** The slots with the two tokens: the first of those with one, for there is always another that is not initialized. */
async function tokensOf(loaded: LoadedModule): Promise<Token[]> {
  await loaded.call('initialize', {});
  const { rv, values } = await loaded.call('getSlotList', { tokenPresent: true });
  await loaded.call('finalize', {});
  const slots = values?.slots.slice(0, 2) ?? [];
  if (rv !== CKR_OK || slots.length < 2) throw new Error('SoftHSM has no tokens: does softhsm2-util work here?');
  return slots.map((slot) => ({ slot, pin: Buffer.from(PIN), wrongPin: Buffer.from('000000') }));
}

const traits: Traits = {
  title: 'SoftHSM 2 through pkcs11js',
  isOurs: false,
  isModule: true,
  seesLengths: false,
};

async function open(): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'softhsm-conformance-'));
  const configuration = await initializeTokens(folder);
  process.env.SOFTHSM2_CONF = configuration;
  const loaded = new LoadedModule(SOFTHSM);
  return {
    name: 'softhsm',
    ...traits,
    ...firstOf(await tokensOf(loaded)),
    start: () => loaded,
    drive: () => driveModule(SOFTHSM, { SOFTHSM2_CONF: configuration }),
    close: async () => {
      loaded.unload();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const softhsm: SubjectKind = { ...traits, open };
