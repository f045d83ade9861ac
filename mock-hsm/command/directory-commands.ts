// Puts the rows of seed-commands.ts and `list` on the command line.
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import type { Description } from '../seed/describe.ts';
import type { SeedDocument } from '../seed/document.ts';
import { type Flags, type SeedCommand, seedCommands } from './seed-commands.ts';
import { applyTo, heldIn } from './seed-target.ts';

const verbs = { add: 'add to what the mock holds', remove: 'take away from it' } as const;

const dataDir = () =>
  new Option('--data-dir <folder>', 'data folder, of a server that runs or not')
    .env('MOCK_HSM_DATA_DIR')
    .makeOptionMandatory();

/** `add …`, `remove …`, `assign-role`, `apply` and `list …`. */
export function directoryCommands(): Command[] {
  const of = (verb: SeedCommand['verb']) => seedCommands.filter((row) => row.verb === verb).map(seedCommand);
  const groups = (['add', 'remove'] as const).map((verb) => {
    const group = new Command(verb).description(verbs[verb]);
    for (const command of of(verb)) group.addCommand(command);
    return group;
  });
  return [...groups, ...of(undefined), listCommand()];
}

function seedCommand(row: SeedCommand): Command {
  const [name = '', ...operands] = row.usage.split(' ');
  const command = new Command(name).description(row.description);
  for (const operand of operands) command.argument(operand);
  for (const option of [...row.options, dataDir()]) command.addOption(option);
  return command.action(async () => {
    const flags = command.opts<Flags>();
    const document = await row.document(command.args, flags);
    const { changes, held } = await applyTo(String(flags.dataDir), document);
    for (const change of changes) process.stderr.write(`mock-hsm: ${change}\n`);
    if (changes.length === 0) process.stderr.write('mock-hsm: nothing to change\n');
    if (row.printsEntry !== true) return;
    const isMade = flags.secretFrom === undefined && flags.passwordFrom === undefined;
    const entry = {
      ...entryOf(command.args[0], held),
      ...(isMade ? secretsOf(document) : {}),
      tenantId: held.tenantId,
    };
    process.stdout.write(`${JSON.stringify(entry, null, 2)}\n`);
  });
}

const entryOf = (name: string | undefined, held: Description) =>
  everyone(held).find((entry) => entry.name.toLowerCase() === name?.toLowerCase());

/** What the command made up: it can be had at this moment alone. */
function secretsOf({ servicePrincipals, users }: SeedDocument) {
  const [secret] = (servicePrincipals?.[0]?.secrets ?? []) as readonly (string | { value: string })[];
  const password = users?.[0]?.password;
  return {
    ...(secret === undefined ? {} : { clientSecret: typeof secret === 'string' ? secret : secret.value }),
    ...(password === undefined ? {} : { password }),
  };
}

const everyone = (held: Description): readonly { readonly name: string; readonly objectId: string }[] => [
  ...held.servicePrincipals,
  ...held.managedIdentities,
  ...held.users,
  ...held.groups,
];

/** What `list` can show: its columns, and the lines of its table. */
const lists: Readonly<Record<string, { head: string[]; rows: (held: Description) => string[][] }>> = {
  principals: {
    head: ['kind', 'name', 'object id', 'client id or upn', 'secrets (key id), members'],
    rows: (held) => [
      ...held.servicePrincipals.map((each) => [
        'service principal',
        each.name,
        each.objectId,
        each.clientId,
        each.secrets
          .map(({ keyId, expires }) => (expires === undefined ? keyId : `${keyId} until ${expires}`))
          .join('\n'),
      ]),
      ...held.managedIdentities.map((each) => [
        `managed identity (${each.assigned})`,
        each.name,
        each.objectId,
        each.clientId,
        '',
      ]),
      ...held.users.map((each) => ['user', each.name, each.objectId, each.upn, '']),
      ...held.groups.map((each) => ['group', each.name, each.objectId, '', each.members.join(', ')]),
    ],
  },
  roles: {
    head: ['role', 'principal', 'scope'],
    rows: (held) => held.roleAssignments.map(({ role, principal, scope }) => [role, principal, scope]),
  },
};

function listCommand(): Command {
  const group = new Command('list').description('show what the mock holds, without secrets');
  for (const [name, { head, rows }] of Object.entries(lists)) {
    const command = new Command(name).addOption(dataDir()).option('--json', 'as JSON, with all that is known');
    group.addCommand(command.description(`its ${name === 'roles' ? 'role assignments' : name}`));
    command.action(async ({ dataDir: folder, json }: { dataDir: string; json?: boolean }) => {
      const held = await heldIn(folder);
      const table = new Table({ head, style: { head: [], border: [] } });
      table.push(...rows(held));
      process.stdout.write(`${json === true ? JSON.stringify(held, null, 2) : table.toString()}\n`);
    });
  }
  return group;
}
