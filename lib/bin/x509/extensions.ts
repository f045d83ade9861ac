/** What a TLS server's certificate says of itself (RFC 5280, 4.2.1). */
import { createHash } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AuthorityKeyIdentifier,
  BasicConstraints,
  ExtendedKeyUsage,
  Extension,
  type GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
} from '@peculiar/asn1-x509';

function extension(extnID: string, critical: boolean, value: unknown): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** What a request asks for and a certificate has: an end entity that signs handshakes of a server. */
export function serverExtensions(names: readonly GeneralName[]): Extension[] {
  return [
    extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: false })),
    extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.digitalSignature)),
    extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([id_kp_serverAuth])),
    ...(names.length === 0 ? [] : [extension(id_ce_subjectAltName, false, new SubjectAlternativeName([...names]))]),
  ];
}

/** The identifiers of a key that signs for itself: SHA-1 of the key's bits (RFC 5280, 4.2.1.2 (1)). */
export function identifierExtensions(publicKeyInfo: Uint8Array<ArrayBuffer>): Extension[] {
  const { subjectPublicKey } = AsnConvert.parse(publicKeyInfo, SubjectPublicKeyInfo);
  const identifier = Uint8Array.from(createHash('sha1').update(new Uint8Array(subjectPublicKey)).digest());
  const authority = new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(identifier) });
  return [
    extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(identifier)),
    extension(id_ce_authorityKeyIdentifier, false, authority),
  ];
}
