// Keys of a seed.
import type { ApiVersion } from '../keyvault/api-versions.ts';
import type { KeyService } from '../keyvault/key-service.ts';
import { keyCreateBody, readBody } from '../keyvault/requests.ts';
import { ServiceError } from '../service-error.ts';
import { type Seed, SeedError } from './document.ts';

/** The newest that is no preview: a seed may ask for all there is. */
const apiVersion: ApiVersion = '2026-04-01';

/** Makes the keys whose names are free. A name that a deleted key still holds is an error, as it is in the service. */
export async function applyKeys(seed: Seed, { keys }: { readonly keys: KeyService }): Promise<string[]> {
  const changes: string[] = [];
  for (const { name, kty, size, ...described } of seed.keys) {
    const known = keys.ring.find(name);
    if (known !== undefined && known.deletion === undefined) continue;
    try {
      await keys.create(name, readBody(keyCreateBody, { kty, key_size: size, ...described }), apiVersion);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new SeedError(`key ${name}: ${error.message}`, { cause: error });
    }
    changes.push(`key ${name} added`);
  }
  return changes;
}
