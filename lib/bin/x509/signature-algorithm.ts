import { RsaSaPssParams } from '@peculiar/asn1-rsa';
import { AsnConvert } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';
import type { Hash } from '../../core/hashes.ts';
import type { SignatureScheme } from '../signature-scheme.ts';

const HASHES: Readonly<Record<Hash['name'], string>> = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
};
/** sha…WithRSAEncryption (RFC 4055, 5) and ecdsa-with-SHA… (RFC 5758, 3.2). */
const SIGNATURES: Readonly<Record<'pkcs1' | 'ecdsa', Readonly<Record<Hash['name'], string>>>> = {
  pkcs1: { sha256: '1.2.840.113549.1.1.11', sha384: '1.2.840.113549.1.1.12', sha512: '1.2.840.113549.1.1.13' },
  ecdsa: { sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3', sha512: '1.2.840.10045.4.3.4' },
};
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const MGF1 = '1.2.840.113549.1.1.8';

function pssParameters({ name, bytes }: Hash): ArrayBuffer {
  const hashAlgorithm = new AlgorithmIdentifier({ algorithm: HASHES[name], parameters: null });
  const mask = new AlgorithmIdentifier({ algorithm: MGF1, parameters: AsnConvert.serialize(hashAlgorithm) });
  return AsnConvert.serialize(new RsaSaPssParams({ hashAlgorithm, maskGenAlgorithm: mask, saltLength: bytes }));
}

/** How X.509 names the scheme: RSA has NULL for parameters, ECDSA none at all. */
export function algorithmIdentifier({ scheme, hash }: SignatureScheme): AlgorithmIdentifier {
  if (scheme === 'pss') return new AlgorithmIdentifier({ algorithm: RSASSA_PSS, parameters: pssParameters(hash) });
  const algorithm = SIGNATURES[scheme][hash.name];
  return scheme === 'ecdsa'
    ? new AlgorithmIdentifier({ algorithm })
    : new AlgorithmIdentifier({ algorithm, parameters: null });
}
