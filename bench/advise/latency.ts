/** How long the configured HSM takes for a signature. */
import { createHash } from 'node:crypto';
import { openManagedHsm } from '../../lib/api/open.ts';
import { percentilesOf } from '../plan/percentiles.ts';
import { credentialsOf } from '../real/credentials.ts';
import { keyTypeOf } from '../real/key-type.ts';
import type { KeyType } from '../result.ts';

/** Uncounted: the connection opens, the public key is read. */
const WARM_UP_SIGNS = 2;
const SIGNS = 11;
/** What a measurement asks of the HSM. */
export const SIGNATURES_FOR_LATENCY = WARM_UP_SIGNS + SIGNS;

const DATA = createHash('sha256').update('bench').digest();

/**
 * The median of a few signatures, one after the other, with a key of the HSM that a configuration file names. Throws
 * Pkcs11Error: CKR_KEY_HANDLE_INVALID when there is no such key, and those of the HSM.
 */
export async function measureLatency(
  configuration: string,
  name: string,
): Promise<{ latencyMs: number; keyType: KeyType }> {
  const credentials = credentialsOf(process.env);
  await using hsm = await openManagedHsm({ configuration, ...(credentials && { credentials }) });
  const key = await hsm.findKey({ name });
  const times: number[] = [];
  for (let i = 0; i < SIGNATURES_FOR_LATENCY; i += 1) {
    const beganMs = performance.now();
    await key.sign(DATA);
    times.push(performance.now() - beganMs);
  }
  return { latencyMs: percentilesOf(times.slice(WARM_UP_SIGNS)).p50, keyType: keyTypeOf(key) };
}
