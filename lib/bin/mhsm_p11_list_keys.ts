/** Lists the keys that the library sees, as a TLS server would find them. */
import Table from 'cli-table3';
import { Command } from 'commander';
import { CKA_MHSM_KEY_NAME } from '../core/vendor-attributes.ts';
import { CKA_CLASS, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_SIGN, CKK_RSA, CKO_PRIVATE_KEY } from '../pkcs11/constants.ts';
import { ofUlong, toText, toUlong } from '../tags/values.ts';
import { runProgram, UsageError, warnAs } from './program.ts';
import { Token } from './token.ts';

const NAME = 'mhsm_p11_list_keys';
const TYPES = [CKA_LABEL, CKA_ID, CKA_KEY_TYPE, CKA_SIGN, CKA_MHSM_KEY_NAME] as const;

interface Options {
  identity?: boolean;
  slot?: string;
  json?: boolean;
}

export interface ListedKey {
  label: string;
  /** Hexadecimal. */
  id: string;
  type: string;
  sign: boolean;
  name: string;
}

const program = new Command(NAME)
  .description('Lists the keys that the PKCS#11 library sees in Azure Managed HSM.')
  .option('--identity', 'use the managed identity instead of MHSM_CLIENT_ID and MHSM_CLIENT_SECRET')
  .option('--slot <number>', 'slotid of the token (default: the first in the configuration)')
  .option('--json', 'print a JSON array')
  .addHelpText('after', '\nThe configuration is MHSM_PKCS11_CONF, else /etc/mhsm-pkcs11.conf.\n')
  .allowExcessArguments(false);

async function read(token: Token, handle: number): Promise<ListedKey> {
  const [label, id, type, sign, name] = await token.values(handle, TYPES);
  return {
    label: (label && toText(label)) ?? '',
    id: Buffer.from(id ?? []).toString('hex'),
    type: type !== undefined && toUlong(type) === CKK_RSA ? 'RSA' : 'EC',
    sign: sign?.[0] === 1,
    name: (name && toText(name)) ?? '',
  };
}

function print(keys: readonly ListedKey[], json: boolean): void {
  if (json) return void process.stdout.write(`${JSON.stringify(keys, null, 2)}\n`);
  const table = new Table({ head: ['label', 'type', 'signs', 'id', 'key name'], style: { head: [], border: [] } });
  for (const { label, type, sign, id, name } of keys) table.push([label, type, sign ? 'yes' : 'no', id, name]);
  process.stdout.write(`${table.toString()}\n`);
}

async function listKeys({ identity, slot, json = false }: Options): Promise<void> {
  if (slot !== undefined && !/^\d+$/.test(slot))
    throw new UsageError(`--slot ${slot} is not a number`, 'give a slotid of the configuration');
  const token = await Token.open({ slot: slot === undefined ? undefined : Number(slot), identity, warn: warnAs(NAME) });
  try {
    const handles = await token.find([{ type: CKA_CLASS, value: ofUlong(CKO_PRIVATE_KEY) }]);
    print(await Promise.all(handles.map((handle) => read(token, handle))), json);
  } finally {
    await token.close();
  }
}

await runProgram(NAME, () => listKeys(program.parse().opts<Options>()));
