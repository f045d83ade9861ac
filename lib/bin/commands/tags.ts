/** `mhsm-p11 tags show|repair`: the tags that the library finds a key by. Sees damaged keys, which PKCS#11 leaves out. */
import type { Command } from 'commander';
import type { HsmIdentity, KeySummary, KeyVersion } from '../../core/hsm.ts';
import { Key } from '../../core/key.ts';
import { CKA_LABEL } from '../../pkcs11/constants.ts';
import { taggedAttribute } from '../../tags/attributes.ts';
import { fitsTag } from '../../tags/codec.ts';
import { equalBytes, ofText } from '../../tags/values.ts';
import {
  idOption,
  type KeyChoice,
  slotOption,
  type TokenChoice,
  withKeyOptions,
  withTokenOptions,
} from '../options.ts';
import { FailedError, lineOf, UsageError, warnAs } from '../program.ts';
import { changesBetween, type NewIdentification, repairedTags, type TagLine, tagLines } from '../tag-report.ts';
import { printable } from '../terminal.ts';
import { withIdentity } from '../token-identity.ts';

interface ShowOptions extends TokenChoice, KeyChoice {
  json?: boolean;
}

interface RepairOptions extends TokenChoice, KeyChoice {
  newLabel?: string;
  newId?: string;
  yes?: boolean;
}

interface Repair {
  readonly as: NewIdentification;
  readonly yes: boolean;
}

const WARN = warnAs('mhsm-p11');
const tokenOf = ({ slot, identity }: TokenChoice) => ({ slot: slotOption(slot), identity, warn: WARN });

/** Keys read at the same time. */
const AT_ONCE = 16;

/** The key, or a warning: one that was just deleted must not hide the others. */
async function readOrWarn(identity: HsmIdentity, name: string): Promise<KeyVersion | undefined> {
  try {
    return await identity.getKey(name);
  } catch (error) {
    WARN(`key ${name} is left out: ${lineOf(error)}`);
    return undefined;
  }
}

async function readAll(identity: HsmIdentity, keys: readonly KeySummary[]): Promise<KeyVersion[]> {
  const versions: KeyVersion[] = [];
  for (let i = 0; i < keys.length; i += AT_ONCE) {
    const read = await Promise.all(keys.slice(i, i + AT_ONCE).map(({ name }) => readOrWarn(identity, name)));
    versions.push(...read.filter((version) => version !== undefined));
  }
  return versions;
}

function fits(version: KeyVersion, { label, id }: KeyChoice): boolean {
  const key = new Key(version, version.version);
  key.material = version;
  const labels = [key.label('private'), key.label('public')];
  const ids = [key.id('private'), key.id('public')];
  const wanted = id === undefined ? undefined : idOption(id);
  return (
    (label === undefined || labels.some((each) => equalBytes(each, ofText(label)))) &&
    (wanted === undefined || ids.some((each) => equalBytes(each, wanted)))
  );
}

const isChosen = ({ label, id, name }: KeyChoice) => label !== undefined || id !== undefined || name !== undefined;

/** The newest versions of the chosen keys; without a choice of those that `otherwise` says. Throws FailedError. */
async function chosenKeys(
  identity: HsmIdentity,
  choice: KeyChoice,
  otherwise: (key: KeySummary) => boolean,
): Promise<KeyVersion[]> {
  const { name } = choice;
  const keys = await identity.listKeys();
  if (!isChosen(choice)) return readAll(identity, keys.filter(otherwise));
  const named = keys.filter((key) => name === undefined || key.name.toLowerCase() === name.toLowerCase());
  const chosen = (await readAll(identity, named)).filter((version) => fits(version, choice));
  if (chosen.length > 0) return chosen;
  throw new FailedError('no key fits', 'mhsm-p11 tags show, without a choice, shows all keys');
}

const WORDS: Readonly<Record<TagLine['state'], (line: TagLine) => string>> = {
  good: () => 'good',
  damaged: ({ expected }) => `DAMAGED: expected ${expected}`,
  overruled: () => 'another tag says it already',
  stale: ({ expected }) => (expected === undefined ? 'the key says nothing of it' : `the key says ${expected}`),
  unknown: () => 'not known, left alone',
  foreign: () => 'not the library’s',
};

async function print(version: KeyVersion): Promise<void> {
  const lines = tagLines(version);
  process.stdout.write(`${version.kid}\n`);
  if (lines.length === 0)
    return void process.stdout.write('  no tags: label is the name, id a digest of the public key\n');
  const { default: Table } = await import('cli-table3');
  const table = new Table({ head: ['tag', 'object', 'attribute', 'value', 'state'], style: { head: [], border: [] } });
  for (const line of lines) {
    const cells = [line.tag, line.object ?? '', line.attribute ?? '', line.text, WORDS[line.state](line)];
    table.push(cells.map(printable));
  }
  process.stdout.write(`${table.toString()}\n`);
}

async function show({ json = false, ...options }: ShowOptions): Promise<void> {
  const versions = await withIdentity(tokenOf(options), (identity) => chosenKeys(identity, options, () => true));
  if (!json) {
    for (const version of versions) await print(version);
    return;
  }
  const keys = versions.map((version) => ({ name: version.name, id: version.kid, tags: tagLines(version) }));
  process.stdout.write(`${JSON.stringify(keys, null, 2)}\n`);
}

function newLabel(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const row = taggedAttribute(CKA_LABEL);
  const label = ofText(text);
  if (row !== undefined && text !== '' && fitsTag(row, label)) return label;
  throw new UsageError('--new-label does not fit into a tag', 'give 1 to 256 characters');
}

/** Says what changes, and changes it where it may. True when there is something. */
async function repairOne(identity: HsmIdentity, version: KeyVersion, { as, yes }: Repair): Promise<boolean> {
  if (version.publicKey === undefined) {
    throw new FailedError(`key ${version.name} is no RSA or EC key`, 'the library shows no other kind: leave it alone');
  }
  const tags = repairedTags(version, as);
  if (tags === null) {
    throw new FailedError(
      `key ${version.name} has no room for the library’s tags`,
      'remove some of its other tags: 15 are allowed',
    );
  }
  const changes = changesBetween(version.tags, tags);
  for (const { tag, from, to } of changes) {
    if (from !== undefined) process.stdout.write(`- ${version.name}: ${printable(`${tag} = ${from}`)}\n`);
    if (to !== undefined) process.stdout.write(`+ ${version.name}: ${printable(`${tag} = ${to}`)}\n`);
  }
  if (changes.length > 0 && yes) await identity.updateKey(version.name, version.version, { tags });
  return changes.length > 0;
}

/** All keys, each by itself: one that cannot be repaired keeps no other from it. */
async function repairEach(identity: HsmIdentity, versions: readonly KeyVersion[], how: Repair) {
  const count = { changed: 0, failed: 0 };
  for (const version of versions) {
    try {
      count.changed += Number(await repairOne(identity, version, how));
    } catch (error) {
      count.failed += 1;
      WARN(`left as it is: ${lineOf(error)}`);
    }
  }
  return count;
}

async function repair(options: RepairOptions): Promise<void> {
  const { newId, yes = false } = options;
  const forOne = options.newLabel !== undefined || newId !== undefined;
  if (!isChosen(options) && forOne) {
    throw new UsageError('--new-label and --new-id are for one key', 'choose it by --name');
  }
  const as = { label: newLabel(options.newLabel), id: newId === undefined ? undefined : idOption(newId, '--new-id') };
  await withIdentity(tokenOf(options), async (identity) => {
    const versions = await chosenKeys(identity, options, (key) => new Key(key).damaged);
    if (forOne && versions.length > 1) {
      const names = versions.map(({ name }) => name).join(', ');
      throw new FailedError(`--new-label and --new-id are for one key, and these fit: ${names}`, 'choose by --name');
    }
    const { changed, failed } = await repairEach(identity, versions, { as, yes });
    const done = yes ? `${changed} key(s) repaired.` : 'Nothing was written: say --yes to do it.';
    if (changed > 0) process.stdout.write(`${done}\n`);
    else if (failed === 0) process.stdout.write('Nothing to repair.\n');
    if (failed > 0) throw new FailedError(`${failed} key(s) cannot be repaired`, 'the warnings say why');
  });
}

export function addTagsCommand(program: Command): void {
  const tags = program.command('tags').description('shows and repairs the tags that the library finds keys by');
  const shown = tags.command('show').description('what the tags say, and which are damaged (default: of all keys)');
  withTokenOptions(withKeyOptions(shown)).option('--json', 'print JSON').action(show);
  const repaired = tags
    .command('repair')
    .description('writes the tags anew from the key; others’ tags are kept (default: all keys with damaged tags)')
    .option('--new-label <label>', 'CKA_LABEL from now on; gives a key made elsewhere a label')
    .option('--new-id <hex>', 'CKA_ID from now on')
    .option('--yes', 'do it; without, only say what would be done');
  withTokenOptions(withKeyOptions(repaired)).action(repair);
  for (const command of tags.commands) command.allowExcessArguments(false);
}
