/** The az commands of Microsoft's guide to TLS offload, for one principal and its keys. */

export interface Assignee {
  /** Object id, application id, or sign-in name. */
  readonly principal: string;
  readonly managedIdentity: boolean;
}

export interface RoleRequest {
  /** Name of the HSM, as --hsm-name takes it. */
  readonly hsm: string;
  readonly assignee: Assignee;
  /** Names of the keys that the server signs with. */
  readonly keys: readonly string[];
}

const CRYPTO_USER = 'Managed HSM Crypto User';
const READ_ROLE = {
  roleName: 'TLS Library User Read Role',
  description: 'Grant Read access to keys',
  actions: [],
  notActions: [],
  dataActions: ['Microsoft.KeyVault/managedHsm/keys/read/action'],
  notDataActions: [],
};

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** One word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function command(...words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** An object id spares az the question to the directory, which it may not be allowed to ask. */
function assigneeWords({ principal, managedIdentity }: Assignee): string[] {
  if (!GUID.test(principal)) return ['--assignee', principal];
  return ['--assignee-object-id', principal, '--assignee-principal-type', managedIdentity ? 'MSI' : 'ServicePrincipal'];
}

function assignment({ hsm, assignee }: RoleRequest, role: string, scope: string): string {
  const what = ['keyvault', 'role', 'assignment', 'create', '--hsm-name', hsm, '--role', role];
  return command('az', ...what, ...assigneeWords(assignee), '--scope', scope);
}

/** One role for all: where the HSM serves TLS offload alone. */
export function permissive(request: RoleRequest): string[] {
  return [assignment(request, CRYPTO_USER, '/keys')];
}

/** The custom role, which an HSM needs once. */
export function readRoleDefinition({ hsm }: RoleRequest): string {
  const definition = ['keyvault', 'role', 'definition', 'create', '--hsm-name', hsm];
  return command('az', ...definition, '--role-definition', JSON.stringify(READ_ROLE));
}

/** Read everywhere, sign with the named keys. */
export function granular(request: RoleRequest): string[] {
  return [
    assignment(request, READ_ROLE.roleName, '/keys'),
    ...request.keys.map((key) => assignment(request, CRYPTO_USER, `/keys/${key}`)),
  ];
}
