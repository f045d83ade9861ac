/** The list of promises, in the order of the standard. */

import { machinePromises } from '../model/machine.ts';
import type { Promised } from '../promise.ts';
import { attributePromises } from './attributes.ts';
import { digestPromises } from './digests.ts';
import { encryptionPromises } from './encryption.ts';
import { framePromises } from './frames.ts';
import { keyPairPromises } from './key-pairs.ts';
import { keyUsePromises } from './key-use.ts';
import { longDataPromises } from './long-data.ts';
import { objectPromises } from './objects.ts';
import { processPromises } from './processes.ts';
import { randomPromises } from './random.ts';
import { searchPromises } from './searches.ts';
import { sessionPromises } from './sessions.ts';
import { signatureLengthPromises } from './signature-lengths.ts';
import { signingPromises } from './signing.ts';
import { signingOperationPromises } from './signing-operations.ts';
import { tagPromises } from './tags.ts';
import { threadPromises } from './threads.ts';
import { tokenPromises } from './tokens.ts';
import { verificationPromises } from './verification.ts';

export const promises: readonly Promised[] = [
  ...tokenPromises,
  ...sessionPromises,
  ...searchPromises,
  ...attributePromises,
  ...objectPromises,
  ...keyPairPromises,
  ...encryptionPromises,
  ...digestPromises,
  ...randomPromises,
  ...signingPromises,
  ...signingOperationPromises,
  ...signatureLengthPromises,
  ...verificationPromises,
  ...keyUsePromises,
  ...longDataPromises,
  ...threadPromises,
  ...processPromises,
  ...machinePromises,
  ...tagPromises,
  ...framePromises,
];
