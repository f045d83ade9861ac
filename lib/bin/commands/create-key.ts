/** Creates a key pair in the HSM, with the tags that the library finds it by. */
import { type Command, Option } from 'commander';
import type { Attribute } from '../../core/calls.ts';
import { curves } from '../../core/curves.ts';
import type { CurveName, RsaBits } from '../../core/hsm.ts';
import {
  CKA_EC_PARAMS,
  CKA_END_DATE,
  CKA_EXTRACTABLE,
  CKA_ID,
  CKA_LABEL,
  CKA_MODULUS_BITS,
  CKA_PRIVATE,
  CKA_SENSITIVE,
  CKA_SIGN,
  CKA_START_DATE,
  CKA_TOKEN,
  CKA_VERIFY,
  CKM_EC_KEY_PAIR_GEN,
  CKM_RSA_PKCS_KEY_PAIR_GEN,
} from '../../pkcs11/constants.ts';
import { CKA_MHSM_KEY_ID, CKA_MHSM_KEY_NAME } from '../../pkcs11/vendor-attributes.ts';
import { dayOf, FALSE, ofDate, ofUlong, TRUE } from '../../tags/values.ts';
import {
  dayOption,
  idOption,
  keyNameOption,
  labelOption,
  slotOption,
  type TokenChoice,
  withTokenOptions,
} from '../options.ts';
import { addNotes, createProgram, EXIT, UsageError, warnAs } from '../program.ts';
import { withToken } from '../token.ts';

const NAME = 'mhsm_p11_create_key';
const RSA_SIZES: Readonly<Record<string, RsaBits>> = { '2K': 2048, '3K': 3072, '4K': 4096 };

interface Options extends TokenChoice {
  RSA?: string;
  EC?: CurveName;
  label?: string;
  name?: string;
  id?: string;
  notBefore?: string;
  expires?: string;
  json?: boolean;
}

const NOTES = `The caller needs the role "Managed HSM Crypto User" at /keys.

Example:
  ${NAME} --RSA 4K --label tlsKey`;

/** The program; without arguments it prints its usage. */
export function createKeyProgram(): Command {
  const program = createProgram(NAME)
    .description('Creates a key pair for TLS in Azure Managed HSM.')
    .usage('(--RSA <size> | --EC <curve>) --label <label> [options]')
    .addOption(new Option('--RSA <size>', 'RSA key').choices(Object.keys(RSA_SIZES)).conflicts('EC'))
    .addOption(new Option('--EC <curve>', 'EC key').choices(Object.keys(curves)))
    .option('--label <label>', 'CKA_LABEL of the private and the public key: what TLS servers find the key by')
    .option(
      '--name <name>',
      'name of the key in the HSM, letters, digits and hyphens (default: p11- and 32 random hexadecimal characters)',
    )
    .option('--id <hex>', 'CKA_ID of both keys (default: SHA-1 of the name of the key)')
    .option('--not-before <day>', 'first day (UTC) that the key signs on, YYYY-MM-DD')
    .option('--expires <day>', 'last day (UTC) that the key signs on, YYYY-MM-DD')
    .option('--json', 'print the result as JSON')
    .allowExcessArguments(false);
  addNotes(program, NOTES);
  return withTokenOptions(program).action(async (options: Options) => {
    if (Object.keys(options).length > 0) await createKey(options);
    else showUsage(program);
  });
}

function kindOf({ RSA, EC }: Options): { mechanism: number; parameter: Attribute } {
  const bits = RSA === undefined ? undefined : RSA_SIZES[RSA];
  if (bits !== undefined) {
    return { mechanism: CKM_RSA_PKCS_KEY_PAIR_GEN, parameter: { type: CKA_MODULUS_BITS, value: ofUlong(bits) } };
  }
  if (EC !== undefined)
    return { mechanism: CKM_EC_KEY_PAIR_GEN, parameter: { type: CKA_EC_PARAMS, value: curves[EC].oid } };
  throw new UsageError('no kind of key was given', `say --RSA 2K|3K|4K or --EC ${Object.keys(curves).join('|')}`);
}

/** The days of the options as attributes. Throws UsageError; a last day that has passed is a warning. */
function lifetimeOf({ notBefore, expires }: Options): Attribute[] {
  const first = notBefore === undefined ? undefined : dayOption('not-before', notBefore);
  const last = expires === undefined ? undefined : dayOption('expires', expires);
  if (first !== undefined && last !== undefined && last < first)
    throw new UsageError(`--expires ${expires} is before --not-before ${notBefore}`, 'the first day comes first');
  if (last !== undefined && last < dayOf(Date.now() / 1000))
    warnAs(NAME)(`--expires ${expires} has passed: the HSM will not sign with this key`);
  return [
    ...(first === undefined ? [] : [{ type: CKA_START_DATE, value: ofDate(first) }]),
    ...(last === undefined ? [] : [{ type: CKA_END_DATE, value: ofDate(last) }]),
  ];
}

function templatesOf(options: Options, parameter: Attribute) {
  const { label, id, name } = options;
  if (!label)
    throw new UsageError('no label was given', 'say --label and the name that the TLS server shall find the key by');
  const both: Attribute[] = [
    { type: CKA_TOKEN, value: TRUE },
    { type: CKA_LABEL, value: labelOption(label) },
    ...(id === undefined ? [] : [{ type: CKA_ID, value: idOption(id) }]),
    ...lifetimeOf(options),
  ];
  const secret: Attribute[] = [
    { type: CKA_PRIVATE, value: TRUE },
    { type: CKA_SENSITIVE, value: TRUE },
    { type: CKA_EXTRACTABLE, value: FALSE },
    { type: CKA_SIGN, value: TRUE },
    ...(name === undefined ? [] : [{ type: CKA_MHSM_KEY_NAME, value: keyNameOption(name) }]),
  ];
  return {
    publicTemplate: [...both, { type: CKA_VERIFY, value: TRUE }, parameter],
    privateTemplate: [...both, ...secret],
  };
}

async function createKey(options: Options): Promise<void> {
  const { mechanism, parameter } = kindOf(options);
  const templates = templatesOf(options, parameter);
  const { label, slot, identity, json } = options;
  await withToken({ slot: slotOption(slot), identity, warn: warnAs(NAME) }, async (token) => {
    const { application, session } = token;
    const generated = await application.generateKeyPair({
      session,
      mechanism: { type: mechanism, parameter: null },
      ...templates,
    });
    const id = await token.text(generated.privateKey, CKA_MHSM_KEY_ID);
    const name = await token.text(generated.privateKey, CKA_MHSM_KEY_NAME);
    const text = `Key is generated successfully.\nManaged HSM Key ID: ${id}\nKey Name: ${name}\n`;
    process.stdout.write(json ? `${JSON.stringify({ id, name, label })}\n` : text);
  });
}

/** As the closed library's: no arguments, and the usage is the answer. */
function showUsage(program: Command): void {
  program.outputHelp();
  process.exitCode = EXIT.usage.status;
}
