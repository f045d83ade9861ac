// The commands that change what a mock holds: one row each, from arguments to the seed document that says the same.
import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import type { SeedDocument } from '../seed/document.ts';
import { readSeedFile } from '../seed/read-file.ts';
import { withoutUnset } from '../without-unset.ts';
import { collect, whole } from './option-values.ts';
import { readSecret, secretSourceHelp } from './secret-source.ts';

/** What commander read; the rows know what they declared. */
export type Flags = Readonly<Record<string, string & number & boolean & readonly string[]>>;

export interface SeedCommand {
  readonly verb: 'add' | 'remove' | undefined;
  /** Name and arguments, for commander. */
  readonly usage: string;
  readonly description: string;
  readonly options: readonly Option[];
  readonly document: (operands: readonly string[], flags: Flags) => SeedDocument | Promise<SeedDocument>;
  /** Whether the entry of the first argument is printed, with a new secret if the document holds one. */
  readonly printsEntry?: boolean;
}

const clientId = new Option('--client-id <guid>', 'application id (default: made up)');
const objectId = new Option('--object-id <guid>', 'object id (default: made up)');
const secretFrom = new Option('--secret-from <source>', secretSourceHelp);
const passwordFrom = new Option('--password-from <source>', secretSourceHelp);
const lifetime = new Option('--token-lifetime <seconds>', 'life of its access tokens').argParser(whole(1, 86_400));
const scope = new Option('--scope <scope>', '/, /keys or /keys/{name}').default('/keys');

export const seedCommands: readonly SeedCommand[] = [
  {
    verb: 'add',
    usage: 'service-principal <name>',
    description: 'a service principal with a secret, a certificate or both',
    options: [
      clientId,
      objectId,
      secretFrom,
      new Option('--certificate <file>', 'PEM certificate it may sign in with, and no secret unless it is asked for'),
      lifetime,
    ],
    printsEntry: true,
    document: async ([name = ''], flags) => {
      const { certificate, secretFrom: source } = flags;
      const wantsSecret = certificate === undefined || source !== undefined;
      const entry = {
        ...withoutUnset({ clientId: flags.clientId, objectId: flags.objectId, tokenLifetime: flags.tokenLifetime }),
        ...(wantsSecret ? { secrets: [await readSecret(source)] } : {}),
        ...(certificate === undefined ? {} : { certificates: [{ pem: readFileSync(certificate, 'utf8') }] }),
      };
      return { servicePrincipals: [{ name, ...entry }] };
    },
  },
  {
    verb: 'add',
    usage: 'managed-identity <name>',
    description: 'a managed identity, user-assigned unless said otherwise',
    options: [
      new Option('--system', 'the system-assigned one of this machine'),
      clientId,
      objectId,
      new Option('--resource-id <id>', 'ARM id (default: made up)'),
      new Option('--elsewhere', 'this machine does not have it: its metadata service gives no tokens for it'),
      lifetime,
    ],
    printsEntry: true,
    document: ([name = ''], flags) => ({
      managedIdentities: [
        {
          name,
          ...withoutUnset({ clientId: flags.clientId, objectId: flags.objectId, resourceId: flags.resourceId }),
          ...withoutUnset({ tokenLifetime: flags.tokenLifetime }),
          assigned: flags.system === true ? 'system' : 'user',
          onThisMachine: flags.elsewhere !== true,
        },
      ],
    }),
  },
  {
    verb: 'add',
    usage: 'user <name>',
    description: 'a user with a password',
    options: [
      new Option('--upn <upn>', 'user principal name, as in alice@contoso.example').makeOptionMandatory(),
      objectId,
      passwordFrom,
      lifetime,
    ],
    printsEntry: true,
    document: async ([name = ''], flags) => ({
      users: [
        {
          name,
          upn: flags.upn ?? '',
          password: await readSecret(flags.passwordFrom),
          ...withoutUnset({ objectId: flags.objectId, tokenLifetime: flags.tokenLifetime }),
        },
      ],
    }),
  },
  {
    verb: 'add',
    usage: 'group <name>',
    description: 'a group, or further members of it',
    options: [objectId, new Option('--member <name>', 'member by name; repeatable').argParser(collect)],
    printsEntry: true,
    document: ([name = ''], flags) => ({
      groups: [{ name, members: [...(flags.member ?? [])], ...withoutUnset({ objectId: flags.objectId }) }],
    }),
  },
  {
    verb: 'add',
    usage: 'secret <principal>',
    description: 'a further secret of a service principal',
    options: [secretFrom, new Option('--expires <time>', 'its end, as in 2030-01-31T00:00:00Z (default: never)')],
    printsEntry: true,
    document: async ([name = ''], flags) => {
      const secret = { value: await readSecret(flags.secretFrom), ...withoutUnset({ expires: flags.expires }) };
      return { servicePrincipals: [{ name, secrets: [secret] }] };
    },
  },
  {
    verb: 'add',
    usage: 'certificate <principal> <file>',
    description: 'a certificate (PEM) that a service principal may sign in with',
    options: [],
    document: ([name = '', file = '']) => ({
      servicePrincipals: [{ name, certificates: [{ pem: readFileSync(file, 'utf8') }] }],
    }),
  },
  {
    verb: 'add',
    usage: 'federated-credential <principal>',
    description: 'trust in the tokens of another issuer (workload identity)',
    options: [
      new Option('--issuer <url>', 'iss of its tokens').makeOptionMandatory(),
      new Option('--subject <subject>', 'sub of its tokens').makeOptionMandatory(),
      new Option('--audience <audience>', 'aud of its tokens').default('api://AzureADTokenExchange'),
      new Option('--public-key <file>', "the issuer's public key (PEM)"),
      new Option('--jwks <file>', "or its key set (JSON); neither: the issuer is this mock's own Entra ID"),
    ],
    document: ([name = ''], flags) => {
      const { issuer = '', subject = '', audience = '', publicKey, jwks } = flags;
      const key = publicKey === undefined ? {} : { publicKey: readFileSync(publicKey, 'utf8') };
      const keys = jwks === undefined ? {} : { jwks: JSON.parse(readFileSync(jwks, 'utf8')) };
      const credential = { issuer, subject, audiences: [audience], ...key, ...keys };
      return { servicePrincipals: [{ name, federatedCredentials: [credential] }] };
    },
  },
  {
    verb: undefined,
    usage: 'assign-role <role> <principal>',
    description: 'gives a role (name or GUID) to a principal (name or object id)',
    options: [scope],
    document: ([role = '', principal = ''], flags) => ({
      roleAssignments: [{ role, principal, scope: flags.scope ?? '/keys' }],
    }),
  },
  {
    verb: undefined,
    usage: 'apply <file>',
    description: 'makes the mock hold what a seed file says',
    options: [],
    document: ([file = '']) => readSeedFile(file),
  },
  {
    verb: 'remove',
    usage: 'principal <name>',
    description: 'a service principal, managed identity, user or group',
    options: [],
    document: ([name = '']) => ({ remove: { principals: [name] } }),
  },
  {
    verb: 'remove',
    usage: 'secret <principal> <key-id>',
    description: 'a secret, by the key id that `list principals` shows',
    options: [],
    document: ([principal = '', keyId = '']) => ({ remove: { secrets: [{ principal, keyId }] } }),
  },
  {
    verb: 'remove',
    usage: 'certificate <principal> <thumbprint>',
    description: 'a certificate, by its SHA-1 thumbprint',
    options: [],
    document: ([principal = '', thumbprint = '']) => ({ remove: { certificates: [{ principal, thumbprint }] } }),
  },
  {
    verb: 'remove',
    usage: 'member <group> <name>',
    description: 'a member of a group',
    options: [],
    document: ([group = '', member = '']) => ({ remove: { members: [{ group, member }] } }),
  },
  {
    verb: 'remove',
    usage: 'role <role> <principal>',
    description: 'a role assignment',
    options: [scope],
    document: ([role = '', principal = ''], flags) => ({
      remove: { roleAssignments: [{ role, principal, scope: flags.scope ?? '/keys' }] },
    }),
  },
];
