/** Whether a key may do what a mechanism is asked to do with it. */

import type { Side } from '../tags/attributes.ts';
import { toBoolean } from '../tags/values.ts';
import type { PublicKey } from './hsm.ts';
import type { KeyObject } from './key.ts';
import { keySizes } from './mechanisms.ts';
import { keyTypeOf, sizeInBits } from './public-key.ts';
import { keyFunctionNotPermitted, keySizeRange, keyTypeInconsistent } from './refusals.ts';

/**
 * The public half of a key whose material was read, if the object is the `side` of the pair that `use` (CKA_SIGN,
 * CKA_DECRYPT …) is on and has it. CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_SIZE_RANGE.
 */
export function keyForUse(
  { key, kind }: KeyObject,
  side: Side,
  use: number,
  mechanism: { readonly type: number; readonly keyType: number },
): PublicKey {
  const { publicKey } = key;
  if (publicKey === undefined || keyTypeOf(publicKey) !== mechanism.keyType) throw keyTypeInconsistent(mechanism.type);
  if (kind !== side || toBoolean(key.usage(use, side)) !== true) throw keyFunctionNotPermitted(use);
  const bits = sizeInBits(publicKey);
  const sizes = keySizes[mechanism.keyType];
  if (sizes !== undefined && (bits < sizes.min || bits > sizes.max)) throw keySizeRange(bits, mechanism.type);
  return publicKey;
}
