/** Which signature a person asked for, as a mechanism of PKCS#11 with its parameter. */
import { type Command, Option } from 'commander';
import type { Mechanism } from '../core/calls.ts';
import { type Curve, curves } from '../core/curves.ts';
import { type Hash, hashes } from '../core/hashes.ts';
import { mechanisms, type Scheme } from '../core/mechanisms.ts';
import { CKA_EC_PARAMS } from '../pkcs11/constants.ts';
import { equalBytes, ofUlong } from '../tags/values.ts';
import type { ChosenKey } from './chosen-key.ts';
import { UsageError } from './program.ts';
import type { Token } from './token.ts';

export interface SchemeChoice {
  digest?: Hash['name'];
  pss?: boolean;
}

export interface SignatureScheme {
  readonly scheme: Scheme;
  readonly hash: Hash;
  /** Undefined for RSA. */
  readonly curve: Curve | undefined;
  readonly mechanism: Mechanism;
}

export function withSchemeOptions<T extends Command>(command: T): T {
  const digest = new Option('--digest <name>', 'hash (default: sha256; for EC the one that fits the curve)');
  return command
    .addOption(digest.choices(hashes.map(({ name }) => name)))
    .option('--pss', 'RSA-PSS with MGF1 over the same hash and a salt of its length, instead of PKCS#1 v1.5');
}

function hashFor(digest: string | undefined, curve: Curve | undefined): Hash {
  const found = hashes.find(({ name, bytes }) =>
    digest === undefined ? bytes === (curve?.digestBytes ?? 32) : name === digest,
  );
  if (found === undefined) throw new UsageError(`--digest ${digest} is not known`, 'choose sha256, sha384 or sha512');
  return found;
}

function parameterOf(scheme: Scheme, { mechanism, mgf, bytes }: Hash): Uint8Array | null {
  if (scheme !== 'pss') return null;
  return Buffer.concat([mechanism, mgf, bytes].map((number) => ofUlong(number)));
}

/** The scheme for a key. Throws UsageError for --pss with an EC key. */
export async function schemeFor(
  token: Token,
  key: ChosenKey,
  { digest, pss = false }: SchemeChoice,
): Promise<SignatureScheme> {
  const [parameters] = await token.values(key.privateKey, [CKA_EC_PARAMS]);
  const curve = parameters && Object.values(curves).find(({ oid }) => equalBytes(oid, parameters));
  if (curve !== undefined && pss)
    throw new UsageError(`key ${key.name} is an EC key`, 'leave --pss out: it is for RSA');
  const hash = hashFor(digest, curve);
  const scheme = curve !== undefined ? 'ecdsa' : pss ? 'pss' : 'pkcs1';
  const row = mechanisms.find((each) => each.use === 'signature' && each.scheme === scheme && each.hash === hash);
  if (row === undefined) throw new UsageError(`there is no ${scheme} with ${hash.name}`, 'choose another --digest');
  return { scheme, hash, curve, mechanism: { type: row.type, parameter: parameterOf(scheme, hash) } };
}
