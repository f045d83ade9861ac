// Keys of a seed.

import { readBody } from '../http/read-body.ts';
import type { KeyService } from '../keyvault/key-service.ts';
import { keyCreateBody } from '../keyvault/requests.ts';
import { ServiceError } from '../service-error.ts';
import { type Seed, SeedError } from './document.ts';

/** Makes the keys whose names are free. A name that a deleted key still holds is an error, as it is in the service. */
export async function applyKeys(seed: Seed, { keys }: { readonly keys: KeyService }): Promise<string[]> {
  const changes: string[] = [];
  for (const { name, kty, size, ...described } of seed.keys) {
    const known = keys.ring.find(name);
    if (known !== undefined && known.deletion === undefined) continue;
    try {
      await keys.create(name, readBody(keyCreateBody, { kty, key_size: size, ...described }));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      throw new SeedError(`key ${name}: ${error.message}`, { cause: error });
    }
    changes.push(`key ${name} added`);
  }
  return changes;
}
