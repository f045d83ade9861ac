// What the published figures call a key: RSA-2048, P-256, AES-256.
import type { PublicMaterial } from '../keyvault/key-model.ts';

/** The column of the figures that a key belongs to. */
export function keyTypeOf({ kty, crv, bits }: PublicMaterial): string {
  if (kty === 'EC-HSM') return String(crv);
  return `${kty === 'RSA-HSM' ? 'RSA' : 'AES'}-${bits}`;
}
