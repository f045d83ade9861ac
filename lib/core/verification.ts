/** Verification with the public key alone, on digests: node:crypto verifies messages only, which is one step too many. */

import { equalBytes } from '../tags/values.ts';
import { verifiesEcdsa } from './ecdsa-verification.ts';
import { type Hash, hashes } from './hashes.ts';
import type { PublicKey } from './hsm.ts';
import { openRsa, pkcs1Block, verifiesPss } from './rsa-verification.ts';
import type { SignatureInput } from './signature-input.ts';

const byPkcs1 = new Map<string, Hash>(hashes.map((hash) => [hash.pkcs1, hash]));
const byPss = new Map<string, Hash>(hashes.map((hash) => [hash.pss, hash]));

/** Whether the signature is the key's over what the service was or would be asked to sign. */
export function verifies(key: PublicKey, input: SignatureInput, signature: Uint8Array): boolean {
  if (key.kty === 'EC') return verifiesEcdsa(key, input.digest, signature);
  const block = openRsa(key, signature);
  if (block === undefined) return false;
  const pss = byPss.get(input.algorithm);
  if (pss !== undefined) return verifiesPss(pss, key, block, input.digest);
  return equalBytes(block, pkcs1Block(block.length, byPkcs1.get(input.algorithm), input.digest));
}
