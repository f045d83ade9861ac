/** The keys of a run: made here, so that every signer serves with the same key and certificate. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../../demo/process.ts';
import type { KeyType } from '../result.ts';

const NEW_KEY: Readonly<Record<KeyType, readonly string[]>> = {
  'RSA-2048': ['-newkey', 'rsa:2048'],
  'RSA-4096': ['-newkey', 'rsa:4096'],
  'P-256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
};

export interface KeyFiles {
  readonly keyType: KeyType;
  /** Its label in every token, and its name in the HSM. */
  readonly label: string;
  /** CKA_ID in hexadecimal; undefined where the label alone says which key it is. */
  readonly id: string | undefined;
  /** PEM, PKCS#8; undefined where the key is in the HSM alone. */
  readonly keyFile: string | undefined;
  /** PEM, self-signed, for `localhost`. */
  readonly certificateFile: string;
}

/** Makes key and certificate in `folder`. */
export async function makeKeyFiles(folder: string, keyType: KeyType): Promise<KeyFiles> {
  const label = keyType.toLowerCase();
  const keyFile = join(folder, `${label}.key`);
  const certificateFile = join(folder, `${label}.crt`);
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '30'];
  const out = ['-nodes', '-keyout', keyFile, '-out', certificateFile];
  await mustRun('openssl', ['req', '-new', '-x509', ...NEW_KEY[keyType], ...subject, ...out]);
  return { keyType, label, id: undefined, keyFile, certificateFile };
}

/** Path of the private key. Throws where it is in the HSM alone. */
export function localKeyFile({ keyFile, label }: KeyFiles): string {
  if (keyFile !== undefined) return keyFile;
  throw new Error(`key ${label} is in the HSM alone: signers without an HSM cannot be measured beside it`);
}

/** As the service imports it. */
export function importedKey(key: KeyFiles): object {
  const jwk = createPrivateKey(readFileSync(localKeyFile(key))).export({ format: 'jwk' });
  return { key: { ...jwk, kty: `${jwk.kty}-HSM` } };
}

interface Signature {
  /** The service's name of it: what TLS 1.3 asks of such a key. */
  readonly algorithm: 'PS256' | 'ES256' | 'ES384';
  /** The same for the program that signs through PKCS#11. */
  readonly mechanism: 'pss' | 'ecdsa';
  readonly digestBytes: number;
}

const RSA: Signature = { algorithm: 'PS256', mechanism: 'pss', digestBytes: 32 };
export const SIGNATURES: Readonly<Record<KeyType, Signature>> = {
  'RSA-2048': RSA,
  'RSA-4096': RSA,
  'P-256': { algorithm: 'ES256', mechanism: 'ecdsa', digestBytes: 32 },
  'P-384': { algorithm: 'ES384', mechanism: 'ecdsa', digestBytes: 48 },
};
