import type { ChosenKey } from './chosen-key.ts';
import type { SignatureScheme } from './signature-scheme.ts';
import type { Token } from './token.ts';

export type Parts = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** The signature as PKCS#11 gives it: r‖s for EC. The data is hashed as it comes and never held whole. */
export async function signParts(
  { application, session }: Token,
  key: ChosenKey,
  { mechanism }: SignatureScheme,
  parts: Parts,
): Promise<Uint8Array> {
  await application.signInit({ session, mechanism, key: key.privateKey });
  for await (const part of parts) application.signUpdate({ session, part });
  const { signature } = await application.signFinal({ session, signature: Number.MAX_SAFE_INTEGER });
  if (signature.bytes === null) throw new Error('C_SignFinal gave no signature');
  return signature.bytes;
}

/** Verifies with the public key, here. CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE. */
export async function verifyParts(
  { application, session }: Token,
  key: ChosenKey,
  { mechanism }: SignatureScheme,
  parts: Parts,
  signature: Uint8Array,
): Promise<void> {
  await application.verifyInit({ session, mechanism, key: key.publicKey });
  for await (const part of parts) application.verifyUpdate({ session, part });
  application.verifyFinal({ session, signature });
}
