/** Lists the keys that the library sees, as a TLS server would find them. */
import type { Command } from 'commander';
import {
  CKA_CLASS,
  CKA_END_DATE,
  CKA_ID,
  CKA_KEY_TYPE,
  CKA_LABEL,
  CKA_LOCAL,
  CKA_SIGN,
  CKA_START_DATE,
  CKK_RSA,
  CKO_PRIVATE_KEY,
} from '../../pkcs11/constants.ts';
import { CKA_MHSM_KEY_ENABLED, CKA_MHSM_KEY_NAME, CKA_MHSM_KEY_VERSION } from '../../pkcs11/vendor-attributes.ts';
import { EMPTY, ofUlong, toBoolean, toText, toUlong } from '../../tags/values.ts';
import { slotOption, type TokenChoice, withTokenOptions } from '../options.ts';
import { createProgram, warnAs } from '../program.ts';
import { printable } from '../terminal.ts';
import { type Token, withToken } from '../token.ts';

const NAME = 'mhsm_p11_list_keys';

interface Options extends TokenChoice {
  json?: boolean;
}

const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
const text = (value: Uint8Array) => toText(value) ?? '';
const flag = (value: Uint8Array) => toBoolean(value) === true;
/** `YYYY-MM-DD` of a CK_DATE, or null for the empty one. */
const day = (value: Uint8Array) => text(value).replace(/^(\d{4})(\d{2})(\d{2})$/, '$1-$2-$3') || null;

/** One row an attribute: its name in JSON, how it is read, and its column in the table. */
const COLUMNS = [
  { name: 'label', type: CKA_LABEL, read: text, head: 'label' },
  {
    name: 'type',
    type: CKA_KEY_TYPE,
    read: (value: Uint8Array) => (toUlong(value) === CKK_RSA ? 'RSA' : 'EC'),
    head: 'type',
  },
  { name: 'sign', type: CKA_SIGN, read: flag, head: 'signs' },
  { name: 'enabled', type: CKA_MHSM_KEY_ENABLED, read: flag, head: 'enabled' },
  { name: 'notBefore', type: CKA_START_DATE, read: day, head: 'from' },
  { name: 'expires', type: CKA_END_DATE, read: day, head: 'until' },
  { name: 'id', type: CKA_ID, read: hex, head: 'id' },
  { name: 'name', type: CKA_MHSM_KEY_NAME, read: text, head: 'key name' },
  { name: 'version', type: CKA_MHSM_KEY_VERSION, read: text, head: 'version' },
  {
    name: 'madeBy',
    type: CKA_LOCAL,
    read: (value: Uint8Array) => (flag(value) ? 'library' : 'other'),
    head: 'made by',
  },
] as const;

type Cell = string | boolean | null;

export function listKeysProgram(): Command {
  const program = createProgram(NAME)
    .description('Lists the keys that the PKCS#11 library sees in Azure Managed HSM, each with its newest version.')
    .option('--json', 'print a JSON array')
    .allowExcessArguments(false);
  return withTokenOptions(program).action(listKeys);
}

async function cellsOf(token: Token, handle: number): Promise<Cell[]> {
  const values = await token.values(
    handle,
    COLUMNS.map(({ type }) => type),
  );
  return COLUMNS.map(({ read }, index) => read(values[index] ?? EMPTY));
}

function shown(cell: Cell): string {
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return printable(cell ?? '');
}

async function print(keys: readonly Cell[][], json: boolean): Promise<void> {
  if (json) {
    const objects = keys.map((cells) => Object.fromEntries(COLUMNS.map(({ name }, index) => [name, cells[index]])));
    return void process.stdout.write(`${JSON.stringify(objects, null, 2)}\n`);
  }
  const { default: Table } = await import('cli-table3');
  const table = new Table({ head: COLUMNS.map(({ head }) => head), style: { head: [], border: [] } });
  for (const cells of keys) table.push(cells.map(shown));
  process.stdout.write(`${table.toString()}\n`);
}

async function listKeys({ identity, slot, json = false }: Options): Promise<void> {
  await withToken({ slot: slotOption(slot), identity, warn: warnAs(NAME) }, async (token) => {
    const handles = await token.find([{ type: CKA_CLASS, value: ofUlong(CKO_PRIVATE_KEY) }]);
    await print(await Promise.all(handles.map((handle) => cellsOf(token, handle))), json);
  });
}
