/** An active C_Digest operation (section 5.10). Hashes are made here, never in the HSM. */

import type { Mechanism } from './calls.ts';
import { type Hash, type Hasher, hasherOf } from './hashes.ts';
import { refuseParameter } from './mechanism-parameters.ts';
import { mechanismFor } from './mechanisms.ts';

export interface DigestOperation {
  readonly hash: Hash;
  readonly hasher: Hasher;
  hasParts: boolean;
}

/** CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID. */
export function digestOperation(mechanism: Mechanism): DigestOperation {
  const { hash } = mechanismFor('digest', mechanism.type);
  refuseParameter(mechanism);
  return { hash, hasher: hasherOf(hash), hasParts: false };
}
