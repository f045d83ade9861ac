/** The core in process, with its HSM client against a mock-hsm of its own process. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CRYPTO_USER } from '../../demo/mock.ts';
import { Offload } from '../../demo/offload.ts';
import { openLibrary } from '../../lib/agent/library.ts';
import { loadConfiguration } from '../../lib/config/load.ts';
import type { Subject, SubjectKind, Traits } from '../subject.ts';
import { InProcess } from './in-process.ts';

const SLOT = 3;

/** A mock-hsm with one service principal that may use all keys and the generator (a role at `/`), and the configuration for it. */
export async function startOffload(top: Record<string, unknown> = {}): Promise<{
  offload: Offload;
  stop: () => Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'mhsm-conformance-'));
  const token = { slotid: SLOT, allowDestroy: true };
  const offload = await Offload.start(folder, { token, top });
  await offload.mock.assignRole(CRYPTO_USER, offload.mock.offload.objectId, '');
  const stop = async () => {
    await offload.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { offload, stop };
}

/** Slot and PINs of such a mock-hsm. */
export function access(offload: Offload): { slot: number; pin: Uint8Array; wrongPin: Uint8Array } {
  return {
    slot: SLOT,
    pin: Buffer.from(offload.pin),
    wrongPin: Buffer.from(`${offload.mock.offload.clientId}:not-the-secret`),
  };
}

const traits: Traits = {
  title: 'the core in process, keys in mock-hsm over REST',
  isOurs: true,
  isModule: false,
  seesLengths: true,
};

async function open(): Promise<Subject> {
  const { offload, stop } = await startOffload();
  const { configuration } = loadConfiguration(offload.configurationFile);
  const { library, close } = openLibrary(configuration, () => undefined);
  return {
    name: 'core',
    ...traits,
    ...access(offload),
    start: () => new InProcess(library),
    close: async () => {
      await close();
      await stop();
    },
  };
}

export const core: SubjectKind = { ...traits, open };
