/** Certification requests (RFC 2986) and certificates (RFC 5280), signed by whoever holds the key. */
import { randomBytes } from 'node:crypto';
import { Attributes, CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  type AlgorithmIdentifier,
  Attribute,
  Certificate,
  Extensions,
  type GeneralName,
  type Name,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { identifierExtensions, serverExtensions } from './extensions.ts';

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SERIAL_BYTES = 16;

/** Who the document is about, and how it is signed: `sign` gives the signature as X.509 has it, DER for EC. */
export interface Subject {
  readonly name: Name;
  readonly alternativeNames: readonly GeneralName[];
  /** DER SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array<ArrayBuffer>;
  readonly algorithm: AlgorithmIdentifier;
  readonly sign: (toBeSigned: Uint8Array) => Promise<Uint8Array>;
}

async function signatureOver(subject: Subject, toBeSigned: ArrayBuffer): Promise<ArrayBuffer> {
  return Uint8Array.from(await subject.sign(new Uint8Array(toBeSigned))).buffer;
}

/** DER of a certification request that asks for what a TLS server needs. */
export async function certificationRequest(subject: Subject): Promise<Uint8Array> {
  const extensions = new Extensions(serverExtensions(subject.alternativeNames));
  const asked = new Attribute({ type: EXTENSION_REQUEST, values: [AsnConvert.serialize(extensions)] });
  const certificationRequestInfo = new CertificationRequestInfo({
    subject: subject.name,
    subjectPKInfo: AsnConvert.parse(subject.publicKeyInfo, SubjectPublicKeyInfo),
    attributes: new Attributes([asked]),
  });
  const request = new CertificationRequest({ certificationRequestInfo, signatureAlgorithm: subject.algorithm });
  request.signature = await signatureOver(subject, AsnConvert.serialize(certificationRequestInfo));
  return new Uint8Array(AsnConvert.serialize(request));
}

/** 128 random bits, positive and never zero. */
function serialNumber(): ArrayBuffer {
  const bytes = Uint8Array.from(randomBytes(SERIAL_BYTES));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.buffer;
}

/** DER of a certificate that the key signs for itself. */
export async function selfSignedCertificate(subject: Subject, notBefore: Date, notAfter: Date): Promise<Uint8Array> {
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: serialNumber(),
    signature: subject.algorithm,
    issuer: subject.name,
    validity: new Validity({ notBefore, notAfter }),
    subject: subject.name,
    subjectPublicKeyInfo: AsnConvert.parse(subject.publicKeyInfo, SubjectPublicKeyInfo),
    extensions: new Extensions([
      ...serverExtensions(subject.alternativeNames),
      ...identifierExtensions(subject.publicKeyInfo),
    ]),
  });
  const certificate = new Certificate({ tbsCertificate, signatureAlgorithm: subject.algorithm });
  certificate.signatureValue = await signatureOver(subject, AsnConvert.serialize(tbsCertificate));
  return new Uint8Array(AsnConvert.serialize(certificate));
}

/** RFC 7468. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
