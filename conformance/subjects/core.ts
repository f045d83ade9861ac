/** The core in process, with its HSM client against two mock-hsm of their own processes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CRYPTO_USER, MockHsm } from '../../demo/mock.ts';
import { Offload } from '../../demo/offload.ts';
import { openLibrary } from '../../lib/agent/library.ts';
import { loadConfiguration } from '../../lib/config/load.ts';
import { firstOf, type Subject, type SubjectKind, type Token, type Traits } from '../subject.ts';
import { InProcess } from './in-process.ts';

const SLOT = 3;
const SECOND_SLOT = 8;

/** The row of the configuration for a mock-hsm. */
const rowOf = (mock: MockHsm, slotid: number) => ({
  slotid,
  resourceName: `conformance-${slotid}`,
  baseUrl: mock.url,
  caFile: mock.caFile,
  tenantId: mock.env('MHSM_TENANT_ID'),
  authorityHost: mock.env('MHSM_AUTHORITY_HOST'),
  allowDestroy: true,
});

/** Slot and PINs of a mock-hsm. */
const tokenOf = ({ offload: { clientId, clientSecret } }: MockHsm, slot: number): Token => ({
  slot,
  pin: Buffer.from(`${clientId}:${clientSecret}`),
  wrongPin: Buffer.from(`${clientId}:not-the-secret`),
});

/**
 * Two mock-hsm, each with one service principal that may use all keys and the generator (a role at `/`), and the
 * configuration for both.
 */
export async function startOffload(): Promise<{
  configurationFile: string;
  tokens: readonly Token[];
  stop: () => Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), 'mhsm-conformance-'));
  const offload = await Offload.start(folder);
  const second = await MockHsm.start(mkdtempSync(join(folder, 'second-')));
  for (const mock of [offload.mock, second]) await mock.assignRole(CRYPTO_USER, mock.offload.objectId, '');
  offload.writeConfiguration({ top: { tokens: [rowOf(offload.mock, SLOT), rowOf(second, SECOND_SLOT)] } });
  const stop = async () => {
    try {
      await offload.stop();
    } finally {
      await second.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  };
  const tokens = [tokenOf(offload.mock, SLOT), tokenOf(second, SECOND_SLOT)];
  return { configurationFile: offload.configurationFile, tokens, stop };
}

const traits: Traits = {
  title: 'the core in process, keys in mock-hsm over REST',
  isOurs: true,
  isModule: false,
  seesLengths: true,
};

async function open(): Promise<Subject> {
  const { configurationFile, tokens, stop } = await startOffload();
  const { configuration } = loadConfiguration(configurationFile);
  const { library, close } = openLibrary(configuration, () => undefined);
  return {
    name: 'core',
    ...traits,
    ...firstOf(tokens),
    start: () => new InProcess(library),
    startBeside: () => new InProcess(library),
    close: async () => {
      await close();
      await stop();
    },
  };
}

export const core: SubjectKind = { ...traits, open };
