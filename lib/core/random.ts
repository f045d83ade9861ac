/** The random number functions of a session (section 5.15). */

import { EMPTY } from '../tags/values.ts';
import type { Random } from './key-generation.ts';
import { randomSeedNotSupported, randomTooLong } from './refusals.ts';
import type { Session } from './session.ts';

/** Bytes; the answer has to fit into a frame. */
const MAX_RANDOM_BYTES = 512 * 1024;

/**
 * C_GenerateRandom (5.15.2): bytes from the HSM's generator. Before the login that the token needs, the HSM cannot be
 * asked, and callers want some then: they come from the library's own generator. CKR_ARGUMENTS_BAD for more than fit
 * into an answer.
 */
export async function generateRandom({ token }: Session, length: number, own: Random): Promise<Uint8Array> {
  const { access } = token;
  if (length > MAX_RANDOM_BYTES) throw randomTooLong(length, MAX_RANDOM_BYTES);
  if (length === 0) return EMPTY;
  return access === undefined ? own(length) : access.identity.random(length);
}

/** C_SeedRandom (5.15.1). CKR_RANDOM_SEED_NOT_SUPPORTED. */
export function seedRandom(_session: Session): never {
  throw randomSeedNotSupported();
}
