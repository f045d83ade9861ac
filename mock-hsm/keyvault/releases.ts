// Secure key release and key attestation. What is signed here is signed by the mock, and says so; wrapping, policy and
// signatures are real, so that a client's own code for reading them can be tried.
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { z } from 'zod';
import { badParameter, releasePolicyNotMet } from '../service-error.ts';
import type { AttestationAuthority } from './attestation-authority.ts';
import { alphabetical, type BundleContext, keyBundle } from './bundles.ts';
import type { KeyVersion } from './key-model.ts';
import type { KeyService } from './key-service.ts';
import { encodeTransfer, type TransferMechanism, wrapForTransfer } from './key-transfer.ts';
import { allowsRelease, rulesOf, sameAuthority } from './release-policy.ts';
import type { ReleaseBody } from './requests.ts';
import type { SigningIdentity } from './signing-identity.ts';

const signatureAlgorithm = 'RS256';
/** What pools call theirs; the statements of the mock are not in it, and say so. */
const attestationFormat = 'MRVL-1';
const defaultMechanism: TransferMechanism = 'CKM_RSA_AES_KEY_WRAP';

/** Where an attestation token carries the public keys of the environment that it is about. */
const runtimeClaim = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });

export interface KeyAttestation {
  /** base64url, as all here. */
  readonly certificatePemFile: string;
  readonly privateKeyAttestation: string;
  /** Absent for a symmetric key. */
  readonly publicKeyAttestation?: string;
  readonly version: string;
}

export class Releases {
  readonly #identity: () => Promise<SigningIdentity>;
  readonly #authority: AttestationAuthority;

  constructor(identity: () => Promise<SigningIdentity>, authority: AttestationAuthority) {
    this.#identity = identity;
    this.#authority = authority;
  }

  /**
   * The key, wrapped for the environment that the token in `target` vouches for, in a signed JSON (JWS, compact).
   * @param askedId what the caller asked for, which the answer repeats
   * Throws BadParameter or Forbidden when key, token or policy do not allow it.
   */
  async release(
    key: KeyVersion,
    keys: KeyService,
    body: ReleaseBody,
    context: BundleContext,
    askedId: string,
  ): Promise<string> {
    const { releasePolicy } = key;
    if (!key.exportable || releasePolicy === undefined) throw badParameter('The key is not exportable');
    keys.assertUsable(key, 'release');
    const claims = await this.#authority.verify(body.target);
    const rules = rulesOf(releasePolicy.data);
    const issuer = claims.iss ?? '';
    if (!rules.some(({ authority }) => sameAuthority(authority, issuer)) || !allowsRelease(rules, issuer, claims)) {
      throw releasePolicyNotMet();
    }
    const recipient = recipientOf(claims);
    const enc = body.enc ?? defaultMechanism;
    const ciphertext = wrapForTransfer(enc, recipient.key, keys.secretOf(key));
    const bundle = keyBundle(context, key);
    const kty = bundle.key.kty.replace('-HSM', '');
    const key_hsm = encodeTransfer({ kid: recipient.kid, enc, ciphertext });
    const released = { ...bundle, key: alphabetical({ ...bundle.key, kty, key_hsm }) };
    const nonce = body.nonce == null ? {} : { nonce: body.nonce };
    const request = { 'api-version': context.apiVersion, enc, kid: askedId, ...nonce };
    return this.#signed({ request, response: { key: released } });
  }

  /** Statements about both halves of a key. They are the mock's own JSON (JWS), where a pool answers its HSM's blobs. */
  async attest(key: KeyVersion, kid: string): Promise<KeyAttestation> {
    const { certificatesPem } = await this.#identity();
    const { kty, n, e, crv, x, y } = key.material;
    const about = { simulated: true, kid, kty, created: key.created, exportable: key.exportable };
    const statement = async (half: object) =>
      Buffer.from(await this.#signed({ ...about, ...half })).toString('base64url');
    const privateKeyAttestation = await statement({ half: 'private', extractable: key.exportable });
    return {
      certificatePemFile: Buffer.from(certificatesPem).toString('base64url'),
      privateKeyAttestation,
      ...(kty === 'oct-HSM' ? {} : { publicKeyAttestation: await statement({ half: 'public', n, e, crv, x, y }) }),
      version: attestationFormat,
    };
  }

  async #signed(payload: object): Promise<string> {
    const { privateKey, kid, x5c } = await this.#identity();
    return new SignJWT(payload as JWTPayload)
      .setProtectedHeader({ alg: signatureAlgorithm, kid, x5c: [...x5c], 'x5t#S256': kid })
      .sign(privateKey);
  }
}

/** The first RSA key of the environment that is there for encryption. Throws BadParameter. */
function recipientOf(claims: JWTPayload): { kid: string; key: KeyObject } {
  const runtime = runtimeClaim.safeParse(claims['x-ms-runtime']);
  const jwk = runtime.data?.keys.find(isForEncryption);
  if (jwk === undefined) throw badParameter('The attestation token has no RSA key for encryption in x-ms-runtime.keys');
  try {
    const { n, e } = jwk as JsonWebKey;
    const key = createPublicKey({ key: { kty: 'RSA', n: String(n), e: String(e) }, format: 'jwk' });
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048) throw new RangeError('too small');
    return { kid: String(jwk.kid ?? ''), key };
  } catch {
    throw badParameter('The RSA key in x-ms-runtime.keys is not valid or smaller than 2048 bits');
  }
}

function isForEncryption({ kty, use, key_ops }: Record<string, unknown>): boolean {
  if (kty !== 'RSA') return false;
  const operations = Array.isArray(key_ops) ? key_ops : [];
  return use === 'enc' || ['encrypt', 'wrapKey'].some((word) => operations.includes(word));
}
