/** An X.509 certificate of the configuration: the parts that CKO_CERTIFICATE shows. */

import * as ck from '../pkcs11/constants.ts';
import { EMPTY, FALSE, ofDate, ofUlong, TRUE } from '../tags/values.ts';
import { type Element, elementAt, elementsOf, inside, TAG } from './der.ts';
import { certificateHandle } from './handles.ts';
import type { Key } from './key.ts';
import { sha1 } from './public-key.ts';

export interface CertificateSource {
  der: Uint8Array;
  /** Name or label of the key it belongs to. Without it, keys are read until the public key of the certificate is met. */
  key?: string;
}

export interface CertificateObject {
  readonly kind: 'certificate';
  readonly handle: number;
  readonly source: CertificateSource;
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** DER INTEGER, as CKA_SERIAL_NUMBER wants it. */
  readonly serialNumber: Uint8Array;
  readonly publicKeyInfo: Uint8Array;
  readonly notBefore: Uint8Array;
  readonly notAfter: Uint8Array;
}

/** UTCTime or GeneralizedTime as CK_DATE; empty when it is neither. */
function dateOf(time: Element | undefined): Uint8Array {
  const text = Buffer.from(time?.value ?? EMPTY).toString('latin1');
  const digits = /^\d{12,14}Z$/.test(text) ? text.slice(0, -1) : '';
  if (digits.length === 14) return ofDate(digits.slice(0, 8));
  if (digits.length !== 12) return EMPTY;
  const year = Number(digits.slice(0, 2));
  return ofDate(`${year < 50 ? 2000 + year : 1900 + year}${digits.slice(2, 6)}`);
}

/** The certificate's parts, or undefined when the bytes are not a DER certificate. */
export function parseCertificate(source: CertificateSource): CertificateObject | undefined {
  const tbs = inside(TAG.sequence, source.der)?.[0];
  const fields = tbs?.tag === TAG.sequence ? elementsOf(tbs.value) : undefined;
  const numbered = fields?.[0]?.tag === TAG.explicit0 ? fields.slice(1) : fields;
  const [serialNumber, , issuer, validity, subject, publicKeyInfo] = numbered ?? [];
  if (serialNumber?.tag !== TAG.integer || publicKeyInfo?.tag !== TAG.sequence) return undefined;
  if (issuer === undefined || subject === undefined || validity === undefined) return undefined;
  const times = elementsOf(validity.value);
  return {
    kind: 'certificate',
    handle: certificateHandle(source.der),
    source,
    issuer: issuer.whole,
    subject: subject.whole,
    serialNumber: serialNumber.whole,
    publicKeyInfo: publicKeyInfo.whole,
    notBefore: dateOf(times?.[0]),
    notAfter: dateOf(times?.[1]),
  };
}

/** SHA-1 of the key bits: the same identifier that a key without a CKA_ID of its own has. */
function identifierOf(certificate: CertificateObject): Uint8Array {
  const bits = elementsOf(elementAt(certificate.publicKeyInfo)?.value ?? EMPTY)?.[1];
  return sha1(bits?.value.subarray(1) ?? EMPTY);
}

export interface CertificateAttribute {
  readonly type: number;
  /** True where the value is that of the key the certificate belongs to. */
  readonly ofKey?: true;
  readonly value: (certificate: CertificateObject, key: Key | undefined) => Uint8Array;
}

/** CKA_CERTIFICATE_CATEGORY "token user" (section 4.6.2). */
const TOKEN_USER = 1;

/** CKA_JAVA_MIDP_SECURITY_DOMAIN "unspecified", the default. */
const MIDP_UNSPECIFIED = 0;

const constant = (type: number, value: Uint8Array): CertificateAttribute => ({ type, value: () => value });

export const certificateAttributes: readonly CertificateAttribute[] = [
  constant(ck.CKA_CLASS, ofUlong(ck.CKO_CERTIFICATE)),
  constant(ck.CKA_TOKEN, TRUE),
  constant(ck.CKA_PRIVATE, FALSE),
  constant(ck.CKA_MODIFIABLE, FALSE),
  constant(ck.CKA_COPYABLE, FALSE),
  constant(ck.CKA_CERTIFICATE_TYPE, ofUlong(ck.CKC_X_509)),
  constant(ck.CKA_TRUSTED, FALSE),
  constant(ck.CKA_CERTIFICATE_CATEGORY, ofUlong(TOKEN_USER)),
  constant(ck.CKA_URL, EMPTY),
  constant(ck.CKA_HASH_OF_SUBJECT_PUBLIC_KEY, EMPTY),
  constant(ck.CKA_HASH_OF_ISSUER_PUBLIC_KEY, EMPTY),
  constant(ck.CKA_NAME_HASH_ALGORITHM, ofUlong(ck.CKM_SHA_1)),
  constant(ck.CKA_JAVA_MIDP_SECURITY_DOMAIN, ofUlong(MIDP_UNSPECIFIED)),
  { type: ck.CKA_LABEL, ofKey: true, value: (_certificate, key) => key?.label('private') ?? EMPTY },
  { type: ck.CKA_ID, ofKey: true, value: (certificate, key) => key?.id('private') ?? identifierOf(certificate) },
  { type: ck.CKA_VALUE, value: (certificate) => certificate.source.der },
  { type: ck.CKA_SUBJECT, value: (certificate) => certificate.subject },
  { type: ck.CKA_ISSUER, value: (certificate) => certificate.issuer },
  { type: ck.CKA_SERIAL_NUMBER, value: (certificate) => certificate.serialNumber },
  { type: ck.CKA_PUBLIC_KEY_INFO, value: (certificate) => certificate.publicKeyInfo },
  { type: ck.CKA_START_DATE, value: (certificate) => certificate.notBefore },
  { type: ck.CKA_END_DATE, value: (certificate) => certificate.notAfter },
  { type: ck.CKA_CHECK_VALUE, value: (certificate) => sha1(certificate.source.der).subarray(0, 3) },
];

const byType = new Map(certificateAttributes.map((row) => [row.type, row]));

export function certificateAttribute(type: number): CertificateAttribute | undefined {
  return byType.get(type);
}
