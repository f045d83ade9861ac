/** `mhsm-p11 roles`: the commands that let a server sign. Asks nobody. */
import { type Command, Option } from 'commander';
import { configurationFile, loadConfiguration } from '../../config/load.ts';
import { collected, slotOption } from '../options.ts';
import { UsageError } from '../program.ts';
import { granular, permissive, type RoleRequest, readRoleDefinition } from '../role-commands.ts';
import { chooseToken } from '../token.ts';

interface Options {
  key?: string[];
  principal?: string;
  managedIdentity?: boolean;
  hsm?: string;
  slot?: string;
  approach?: 'permissive' | 'granular';
  json?: boolean;
}

/** The first label of the host: what az calls the HSM. */
function hsmOfConfiguration(slot: string | undefined): string {
  const { configuration } = loadConfiguration(configurationFile(process.env));
  return new URL(chooseToken(configuration, slotOption(slot)).baseUrl).hostname.split('.')[0] ?? '';
}

function requestOf({ key = [], principal, managedIdentity = false, hsm, slot, approach }: Options): RoleRequest {
  if (!principal)
    throw new UsageError('no principal was given', 'say --principal and the object id of the server’s identity');
  const wrong = key.find((name) => !/^[0-9a-z-]{1,127}$/i.test(name));
  if (wrong !== undefined) throw new UsageError(`--key ${wrong} is no name of a key`, 'mhsm_p11_list_keys shows them');
  if (key.length === 0 && approach !== 'permissive') {
    throw new UsageError('no key was given', 'say --key and its name, or --approach permissive');
  }
  if (hsm !== undefined && slot !== undefined)
    throw new UsageError('--hsm and --slot both name the HSM', 'leave one of them out');
  return { hsm: hsm ?? hsmOfConfiguration(slot), assignee: { principal, managedIdentity }, keys: key };
}

const PERMISSIVE = '# Permissive: for an HSM that serves TLS offload alone.';
const GRANULAR = '# Granular: find every key, sign with these alone.';
const ONCE = '# The custom role: once for each HSM.';

function textOf(request: RoleRequest, approach: Options['approach']): string {
  const both = approach === undefined;
  const first = [PERMISSIVE, ...permissive(request)];
  const second = [...(both ? [GRANULAR] : []), ONCE, readRoleDefinition(request), ...granular(request)];
  if (both) return ['# Choose one of the two.', '', ...first, '', ...second].join('\n');
  return (approach === 'permissive' ? permissive(request) : second).join('\n');
}

function roles(options: Options): void {
  const request = requestOf(options);
  const { approach, json = false } = options;
  const lists = {
    ...(approach === 'granular' ? {} : { permissive: permissive(request) }),
    ...(approach === 'permissive' ? {} : { granular: [readRoleDefinition(request), ...granular(request)] }),
  };
  process.stdout.write(`${json ? JSON.stringify(lists, null, 2) : textOf(request, approach)}\n`);
}

export function addRolesCommand(program: Command): void {
  program
    .command('roles')
    .description('prints the az commands that let a principal sign with keys')
    .option('--key <name>', 'name of a key in the HSM; again for more', collected)
    .option('--principal <id>', 'object id of the service principal or managed identity, or a sign-in name')
    .option('--managed-identity', 'the principal is a managed identity')
    .option('--hsm <name>', 'name of the HSM (default: that of the token in the configuration)')
    .option('--slot <number>', 'slotid of that token (default: the first)')
    .addOption(new Option('--approach <name>', 'only this one, ready for a shell').choices(['permissive', 'granular']))
    .option('--json', 'print the commands as JSON')
    .action(roles);
}
