// Role definitions and assignments, as they are kept and as they go over the wire (members in alphabetical order, there).

export interface Permission {
  readonly actions: readonly string[];
  readonly dataActions: readonly string[];
  readonly notActions: readonly string[];
  readonly notDataActions: readonly string[];
}

export interface RoleDefinition {
  /** A GUID, lower case. */
  readonly name: string;
  readonly roleName: string;
  readonly description: string;
  readonly type: 'AKVBuiltInRole' | 'CustomRole';
  readonly permissions: readonly Permission[];
  readonly assignableScopes: readonly string[];
}

export interface RoleAssignment {
  /** A GUID, lower case. */
  readonly name: string;
  readonly principalId: string;
  /** GUID of the role definition, lower case. */
  readonly roleDefinition: string;
  /** `/`, `/keys` or `/keys/{name}`. */
  readonly scope: string;
}

export const definitionId = (guid: string) =>
  `Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/${guid}`;

export function definitionBody({ name, roleName, description, type, permissions, assignableScopes }: RoleDefinition) {
  return {
    id: definitionId(name),
    name,
    properties: { assignableScopes, description, permissions, roleName, type },
    type: 'Microsoft.Authorization/roleDefinitions',
  };
}

/** The id holds no scope, also below `/keys`. */
export function assignmentBody({ name, principalId, roleDefinition, scope }: RoleAssignment) {
  return {
    id: `/providers/Microsoft.Authorization/roleAssignments/${name}`,
    name,
    properties: { principalId, roleDefinitionId: definitionId(roleDefinition), scope },
    type: 'Microsoft.Authorization/roleAssignments',
  };
}
