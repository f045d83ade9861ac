// The roles that every pool has, with the names, data actions and order of the wire (the documentation's differ). They
// stand so in answers of pools of 2025 and 2026; `Managed HSM ARM User` was in some answers of 2022 only.
import { type ActionName, dataAction } from './data-actions.ts';
import type { RoleDefinition } from './role-model.ts';

interface Row {
  readonly guid: string;
  readonly roleName: string;
  readonly dataActions: readonly ActionName[];
  /** For Azure Resource Manager; they give nothing at the data plane. */
  readonly actions?: readonly string[];
}

const manageRoles: readonly ActionName[] = [
  'roleAssignments/delete/action',
  'roleAssignments/read/action',
  'roleAssignments/write/action',
  'roleDefinitions/read/action',
  'roleDefinitions/write/action',
  'roleDefinitions/delete/action',
];

const rows: readonly Row[] = [
  {
    guid: 'abdd7ec4-a273-4265-bf38-e001014e2d8e',
    roleName: 'Managed HSM EKM Administrator',
    dataActions: ['ekm/read/action', 'ekm/write/action', 'ekm/delete/action'],
  },
  {
    guid: '6efe6056-5259-49d2-8b3d-d3d73544b20b',
    roleName: 'Managed HSM Restore User',
    dataActions: ['restore/start/action', 'restore/status/action', 'keys/restore/action'],
  },
  {
    guid: '7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8',
    roleName: 'Managed HSM Backup User',
    dataActions: ['backup/start/action', 'backup/status/action', 'keys/backup/action'],
  },
  {
    guid: '33413926-3206-4cdd-b39a-83574fe37a17',
    roleName: 'Managed HSM Crypto Service Encryption User',
    dataActions: ['keys/read/action', 'keys/wrap/action', 'keys/unwrap/action'],
  },
  {
    guid: '21dbd100-6940-42c2-9190-5d6cb909625c',
    roleName: 'Managed HSM Crypto Service Release User',
    dataActions: ['keys/release/action'],
  },
  {
    guid: '2c18b078-7c48-4d3a-af88-5a3a1b3f82b3',
    roleName: 'Managed HSM Crypto Auditor',
    dataActions: [
      'roleAssignments/read/action',
      'roleDefinitions/read/action',
      'keys/read/action',
      'keys/deletedKeys/read/action',
    ],
  },
  {
    guid: '4bd23610-cdcf-4971-bdee-bdc562cc28e4',
    roleName: 'Managed HSM Policy Administrator',
    dataActions: [
      'roleDefinitions/read/action',
      'roleDefinitions/write/action',
      'roleDefinitions/delete/action',
      'roleAssignments/read/action',
      'roleAssignments/write/action',
      'roleAssignments/delete/action',
    ],
  },
  {
    guid: '770fd66c-6266-4643-9d4e-b616870898d5',
    roleName: 'Managed HSM ARM User',
    dataActions: [],
    actions: ['keys/createIfNotExists', 'keys/read/action'],
  },
  {
    guid: '21dbd100-6940-42c2-9190-5d6cb909625b',
    roleName: 'Managed HSM Crypto User',
    dataActions: [
      'roleDefinitions/read/action',
      'roleAssignments/read/action',
      'keys/read/action',
      'keys/write/action',
      'keys/delete',
      'keys/create',
      'keys/rotate/action',
      'keys/import/action',
      'keys/release/action',
      'keys/backup/action',
      'keys/restore/action',
      'keys/encrypt/action',
      'keys/decrypt/action',
      'keys/wrap/action',
      'keys/unwrap/action',
      'keys/sign/action',
      'keys/verify/action',
      'keys/derive/action',
      'rng/action',
    ],
  },
  {
    guid: '515eb02d-2335-4d2d-92f2-b1cbdf9c3778',
    roleName: 'Managed HSM Crypto Officer',
    dataActions: [
      ...manageRoles,
      'keys/deletedKeys/read/action',
      'keys/deletedKeys/delete',
      'keys/deletedKeys/recover/action',
      'keys/export/action',
    ],
  },
  {
    guid: 'a290e904-7015-4bba-90c8-60543313cdb4',
    roleName: 'Managed HSM Administrator',
    dataActions: [
      ...manageRoles,
      'securitydomain/download/action',
      'securitydomain/download/read',
      'securitydomain/upload/action',
      'securitydomain/upload/read',
      'securitydomain/transferkey/read',
      'backup/start/action',
      'restore/start/action',
      'backup/status/action',
      'restore/status/action',
      'settings/read/action',
      'settings/write/action',
    ],
  },
];

export const administratorRole = 'a290e904-7015-4bba-90c8-60543313cdb4';

export const builtInRoles: readonly RoleDefinition[] = rows.map(({ guid, roleName, dataActions, actions = [] }) => ({
  name: guid,
  roleName,
  description: '',
  type: 'AKVBuiltInRole',
  permissions: [
    {
      actions: actions.map((name) => `Microsoft.KeyVault/managedHsm/${name}`),
      dataActions: dataActions.map(dataAction),
      notActions: [],
      notDataActions: [],
    },
  ],
  assignableScopes: ['/'],
}));
