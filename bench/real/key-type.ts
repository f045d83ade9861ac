import type { HsmKey } from '../../lib/api/key.ts';
import { KEY_TYPES, type KeyType } from '../result.ts';

/** Type and size of a key, as the bench names them. Throws when the bench does not measure such keys. */
export function keyTypeOf({ curve, name, publicKey }: Pick<HsmKey, 'curve' | 'name' | 'publicKey'>): KeyType {
  const type = curve ?? `RSA-${publicKey.asymmetricKeyDetails?.modulusLength}`;
  const known = KEY_TYPES.find((it) => it === type);
  if (known !== undefined) return known;
  throw new Error(`key ${name} is ${type}: choose one of ${KEY_TYPES.join(', ')}`);
}
