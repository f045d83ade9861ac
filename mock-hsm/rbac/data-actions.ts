// The data actions of local RBAC, as the service's roles spell them.

const prefix = 'Microsoft.KeyVault/managedHsm/';

const names = [
  'keys/read/action',
  'keys/write/action',
  'keys/create',
  'keys/delete',
  'keys/import/action',
  'keys/rotate/action',
  'keys/release/action',
  'keys/export/action',
  'keys/derive/action',
  'keys/backup/action',
  'keys/restore/action',
  'keys/encrypt/action',
  'keys/decrypt/action',
  'keys/wrap/action',
  'keys/unwrap/action',
  'keys/sign/action',
  'keys/verify/action',
  'keys/deletedKeys/read/action',
  'keys/deletedKeys/recover/action',
  'keys/deletedKeys/delete',
  'rng/action',
  'roleDefinitions/read/action',
  'roleDefinitions/write/action',
  'roleDefinitions/delete/action',
  'roleAssignments/read/action',
  'roleAssignments/write/action',
  'roleAssignments/delete/action',
  'securitydomain/download/action',
  'securitydomain/download/read',
  'securitydomain/upload/action',
  'securitydomain/upload/read',
  'securitydomain/transferkey/read',
  'backup/start/action',
  'backup/status/action',
  'restore/start/action',
  'restore/status/action',
  'settings/read/action',
  'settings/write/action',
  'ekm/read/action',
  'ekm/write/action',
  'ekm/delete/action',
] as const;

/** A data action without its common prefix. */
export type ActionName = (typeof names)[number];

export const actionNames: readonly ActionName[] = names;

/** The data action as it stands in roles and error messages. */
export const dataAction = (name: ActionName): string => prefix + name;

const known = new Set(names.map((name) => dataAction(name).toLowerCase()));

/** Whether a role may name this data action; case does not matter, and wildcards are none. */
export const isDataAction = (text: string): boolean => known.has(text.toLowerCase());
