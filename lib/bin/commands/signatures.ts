/** `mhsm-p11 sign` and `mhsm-p11 verify`: the signature of a file, as openssl dgst makes and takes it. */
import type { Command } from 'commander';
import { derOfRaw, rawOfDer } from '../../core/ecdsa-form.ts';
import { CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE } from '../../pkcs11/constants.ts';
import { Pkcs11Error } from '../../pkcs11/error.ts';
import { type ChosenKey, chooseKey } from '../chosen-key.ts';
import { isStandardInput, partsOf, readSignature } from '../input.ts';
import { type KeyChoice, slotOption, type TokenChoice, withKeyOptions, withTokenOptions } from '../options.ts';
import { isStandardOutput, writeOutput } from '../output.ts';
import { FailedError, UsageError, warnAs } from '../program.ts';
import { type SchemeChoice, type SignatureScheme, schemeFor, withSchemeOptions } from '../signature-scheme.ts';
import { signParts, verifyParts } from '../signing.ts';
import { type Token, withToken } from '../token.ts';

interface Options extends TokenChoice, KeyChoice, SchemeChoice {
  raw?: boolean;
}

function fileArgument(file: string): string {
  if (file === '') throw new UsageError('the file has an empty name', 'name one, or - for standard input');
  return file;
}

function withOptions(command: Command): Command {
  const described = command
    .argument('[file]', 'what is signed (default, and -: standard input)', fileArgument)
    .option('--raw', 'EC signatures as r and s side by side (PKCS#11, JWS) instead of DER (OpenSSL, X.509)');
  return withTokenOptions(withSchemeOptions(withKeyOptions(described)));
}

const tokenOf = ({ slot, identity }: Options) => ({ slot: slotOption(slot), identity, warn: warnAs('mhsm-p11') });

/** Throws UsageError for --raw with an RSA key, whose signatures have one form. */
async function schemeOf(token: Token, key: ChosenKey, options: Options): Promise<SignatureScheme> {
  const scheme = await schemeFor(token, key, options);
  if (options.raw === true && scheme.curve === undefined) {
    const hint = 'leave --raw out: it is for EC signatures, as r and s side by side';
    throw new UsageError(`key ${key.name} is an RSA key`, hint);
  }
  return scheme;
}

async function sign(file: string | undefined, options: Options & { out?: string }): Promise<void> {
  if (isStandardOutput(options.out) && process.stdout.isTTY) {
    throw new UsageError('a signature is no text for a terminal', 'say --out <file>, or lead the output elsewhere');
  }
  const signature = await withToken(tokenOf(options), async (token) => {
    const key = await chooseKey(token, options);
    const scheme = await schemeOf(token, key, options);
    const raw = await signParts(token, key, scheme, partsOf(file));
    return scheme.curve !== undefined && options.raw !== true ? derOfRaw(raw) : raw;
  });
  writeOutput(options.out, signature);
}

/** The signature as PKCS#11 has it. Bytes that are no DER have a length that no signature has. */
function rawSignature(bytes: Uint8Array, { curve }: SignatureScheme, raw: boolean): Uint8Array {
  return curve === undefined || raw ? bytes : (rawOfDer(bytes, curve.fieldBytes) ?? new Uint8Array(0));
}

function isWrongSignature(error: unknown): boolean {
  return error instanceof Pkcs11Error && [CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE].includes(error.rv);
}

async function verify(file: string | undefined, options: Options & { signature?: string }): Promise<void> {
  const { signature, raw = false } = options;
  if (signature === undefined) throw new UsageError('no signature was given', 'say --signature <file>');
  if (isStandardInput(signature) && isStandardInput(file))
    throw new UsageError('both the file and its signature would be standard input', 'name a file for one of them');
  const bytes = await readSignature(signature);
  await withToken(tokenOf(options), async (token) => {
    const key = await chooseKey(token, options);
    const scheme = await schemeOf(token, key, options);
    try {
      await verifyParts(token, key, scheme, partsOf(file), rawSignature(bytes, scheme, raw));
    } catch (error) {
      if (!isWrongSignature(error)) throw error;
      const hint = 'check the file, the key, --digest, --pss and, for EC, --raw';
      throw new FailedError(`the signature is not one of key ${key.name} over this data`, hint);
    }
    process.stdout.write(`The signature is good (key ${key.name}).\n`);
  });
}

export function addSignatureCommands(program: Command): void {
  withOptions(program.command('sign').description('signs a file with a key in the HSM'))
    .option('--out <file>', 'where the signature goes (default, and -: standard output)')
    .action(sign);
  withOptions(program.command('verify').description('verifies the signature of a file with the public key, here'))
    .option('--signature <file>', 'the signature (-: standard input)')
    .action(verify);
}
