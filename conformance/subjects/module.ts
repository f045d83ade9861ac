/** The module as it ships, with agent and mock-hsm as processes of their own. */

import { join } from 'node:path';
import { firstOf, type Subject, type SubjectKind, type Traits } from '../subject.ts';
import { startOffload } from './core.ts';
import { driveModule } from './drive.ts';
import { LoadedModule } from './pkcs11js.ts';

export const MODULE = join(import.meta.dirname, '../../native/build/libmhsm-pkcs11.so');

const traits: Traits = {
  title: 'libmhsm-pkcs11.so through pkcs11js, with agent and mock-hsm',
  isOurs: true,
  isModule: true,
  seesLengths: false,
};

async function open(): Promise<Subject> {
  const { configurationFile, tokens, stop } = await startOffload();
  // The module reads its environment when it is loaded.
  process.env.MHSM_PKCS11_CONF = configurationFile;
  const loaded = new LoadedModule(MODULE);
  return {
    name: 'module',
    ...traits,
    ...firstOf(tokens),
    start: () => loaded,
    drive: () => driveModule(MODULE, { MHSM_PKCS11_CONF: configurationFile }),
    close: async () => {
      loaded.unload();
      await stop();
    },
  };
}

export const module: SubjectKind = { ...traits, open };
