/** Whether keys can be found and sign: state, validity, tags, certificates, roles. */
import { randomBytes, X509Certificate } from 'node:crypto';
import type { TokenConfiguration } from '../../config/configuration.ts';
import { curves } from '../../core/curves.ts';
import type { HsmIdentity, KeySummary, KeyVersion, SignatureAlgorithm } from '../../core/hsm.ts';
import { Key } from '../../core/key.ts';
import { publicKeyInfo } from '../../core/public-key.ts';
import { CKR_KEY_FUNCTION_NOT_PERMITTED } from '../../pkcs11/constants.ts';
import { Pkcs11Error } from '../../pkcs11/error.ts';
import { type Finding, failed, failure, good, unused, warning } from './finding.ts';
import { SOON_DAYS } from './network.ts';

const DAY_S = 86_400;
/** Keys that are looked at unless a person asks for all, or for one. */
export const MAX_TRIED = 25;

/** What signs a handshake with a key of this kind. */
export interface Trial {
  readonly key: KeyVersion;
  readonly algorithm: SignatureAlgorithm;
  readonly digest: Uint8Array;
}

/** Why a key makes no signatures whatever its state; undefined for one that does. */
function uselessness({ publicKey, operations }: KeyVersion): string | undefined {
  if (publicKey === undefined) return 'it is a symmetric key: it makes no signatures, and no search finds it';
  if (operations.includes('sign')) return undefined;
  return `it makes no signatures: its key operations are ${operations.join(', ') || 'none'}`;
}

/** A signature that the key could make; undefined for keys that make none. */
export function trialOf(key: KeyVersion): Trial | undefined {
  if (key.publicKey === undefined || !key.operations.includes('sign')) return undefined;
  if (key.publicKey.kty === 'RSA') return { key, algorithm: 'PS256', digest: randomBytes(32) };
  const { algorithm, digestBytes } = curves[key.publicKey.curve];
  return { key, algorithm, digest: randomBytes(digestBytes) };
}

const dayOf = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10);

function setAttributes({ name }: KeySummary, hsm: string, change: string): string {
  return `az keyvault key set-attributes --hsm-name ${hsm} --name ${name} ${change}`;
}

/** What keeps a key from signing now or soon. */
function stateOf(key: KeySummary, hsm: string): { text: string; todo: string; now: boolean } | undefined {
  const nowS = Date.now() / 1000;
  const { enabled, notBefore, expires } = key;
  if (!enabled) return { text: 'is disabled', todo: setAttributes(key, hsm, '--enabled true'), now: true };
  if (notBefore !== undefined && notBefore > nowS) {
    const todo = setAttributes(key, hsm, '--not-before <earlier date>');
    return { text: `signs from ${dayOf(notBefore)} on`, todo: `wait, or ${todo}`, now: true };
  }
  if (expires === undefined || expires > nowS + SOON_DAYS * DAY_S) return undefined;
  const now = expires <= nowS;
  const todo = `make a new key and certificate, or ${setAttributes(key, hsm, '--expires <later date>')}`;
  return { text: `${now ? 'signs no more since' : 'signs no more from'} ${dayOf(expires)}`, todo, now };
}

/**
 * State and tags of one key. A key that nobody asked for may rest, or be for something else; one that was chosen must
 * be fit. `version` is undefined when it could not be read.
 */
export function examineKey(key: KeySummary, version: KeyVersion | undefined, hsm: string, isChosen: boolean): Finding {
  const check = `key ${key.name}`;
  const useless = version && uselessness(version);
  if (useless !== undefined) {
    return isChosen ? failed(check, useless, 'make one that signs: mhsm_p11_create_key') : unused(check, useless);
  }
  const [problem] = new Key(key).tags.problems;
  if (problem !== undefined) {
    const text = `its tag ${problem.tag} is ${JSON.stringify(problem.text)}, not ${problem.expected}: no search finds it`;
    return failed(check, text, `mhsm-p11 tags repair --name ${key.name} --yes`);
  }
  const state = stateOf(key, hsm);
  if (state !== undefined) return (state.now && isChosen ? failed : warning)(check, `it ${state.text}`, state.todo);
  const label = Buffer.from(new Key(key).label('private')).toString();
  return good(check, `label ${label}, enabled${key.expires === undefined ? '' : `, until ${dayOf(key.expires)}`}`);
}

/** Tries the key. */
export async function examineSigning(identity: HsmIdentity, { key, algorithm, digest }: Trial): Promise<Finding> {
  const check = `sign ${key.name}`;
  try {
    await identity.sign(key.name, key.version, algorithm, digest);
    return good(check, `may read and sign: ${algorithm} works`);
  } catch (error) {
    const finding = failure(check, error);
    return isRefusal(error) ? { ...finding, text: `may read, but not sign: ${finding.text}` } : finding;
  }
}

export function isRefusal(error: unknown): boolean {
  return error instanceof Pkcs11Error && error.rv === CKR_KEY_FUNCTION_NOT_PERMITTED;
}

/**
 * In the granular approach a server may not use keys of others: a refusal is only a failure for a key that was chosen,
 * or when no key signs at all.
 */
export function weighSigning(findings: readonly Finding[], isChosen: boolean): readonly Finding[] {
  const some = findings.some(({ outcome }) => outcome === 'good');
  if (isChosen || !some) return findings;
  return findings.map((finding) => (finding.outcome === 'failed' ? { ...finding, outcome: 'warning' } : finding));
}

function certificateFinding(certificate: X509Certificate, keys: readonly KeyVersion[], path: string): Finding {
  const { subject, validToDate, validFromDate } = certificate;
  const name = subject.replaceAll('\n', ', ');
  const check = 'certificate';
  const info = certificate.publicKey.export({ type: 'spki', format: 'der' });
  const key = keys.find(({ publicKey }) => publicKey !== undefined && info.equals(publicKeyInfo(publicKey)));
  if (key === undefined) {
    const todo = `make it anew for a key of this HSM (mhsm-p11 csr), or take it out of ${path}.certificates`;
    return failed(check, `${name} belongs to no key here`, todo);
  }
  const days = Math.floor((validToDate.getTime() - Date.now()) / 1000 / DAY_S);
  const text = `${name} belongs to key ${key.name}, for ${days} more days`;
  if (validFromDate.getTime() > Date.now())
    return failed(check, `${text}, but not yet`, 'check the clock of this host, or wait');
  if (days < 0) return failed(check, `${name} of key ${key.name} has expired`, 'renew it: mhsm-p11 csr');
  return days < SOON_DAYS ? warning(check, text, 'renew it in time: mhsm-p11 csr') : good(check, text);
}

/** The certificates of the configuration that belong to an end entity, each against the keys. */
export async function examineCertificates(token: TokenConfiguration, keys: readonly KeyVersion[]): Promise<Finding[]> {
  try {
    const { certificatesOf } = await import('../../agent/library.ts');
    return certificatesOf(token)
      .map(({ der }) => new X509Certificate(der))
      .filter(({ ca }) => !ca)
      .map((certificate) => certificateFinding(certificate, keys, token.path));
  } catch (error) {
    return [failure('certificate', error)];
  }
}
