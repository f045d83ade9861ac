// What a mock holds, in the form of a seed, without anything secret.
import type { DirectoryEntry, FederatedCredential, TokenSubject } from '../identity/directory-model.ts';
import type { SeedParts } from './apply.ts';

const timeText = (unixS: number) => new Date(unixS * 1000).toISOString();

/** The directory, the custom roles and the role assignments. Secrets show their id and expiry, passwords nothing. */
export function describeSeed({ directory, roles, tokens }: Omit<SeedParts, 'keys'>) {
  const all = directory.all().sort((a, b) => (a.name < b.name ? -1 : 1));
  const of = <Kind extends DirectoryEntry['kind']>(kind: Kind) =>
    all.filter((entry): entry is Extract<DirectoryEntry, { kind: Kind }> => entry.kind === kind);
  const nameOf = (objectId: string) => directory.byObjectId(objectId)?.name ?? objectId;
  const roleNameOf = (guid: string) => roles.definitions().find(({ name }) => name === guid)?.roleName ?? guid;
  return {
    tenantId: tokens.tenantId,
    tokenLifetime: tokens.lifetime.seconds,
    servicePrincipals: of('ServicePrincipal').map((entry) => ({
      ...named(entry),
      clientId: entry.clientId,
      secrets: entry.secrets.map(({ keyId, expiresS }) => ({
        keyId,
        ...(expiresS === undefined ? {} : { expires: timeText(expiresS) }),
      })),
      certificates: entry.certificates.map(({ thumbprint }) => ({ thumbprint })),
      federatedCredentials: entry.federatedCredentials.map(federated),
      ...(entry.disabled === true ? { disabled: true } : {}),
    })),
    managedIdentities: of('ManagedIdentity').map((entry) => ({
      ...named(entry),
      clientId: entry.clientId,
      assigned: entry.assigned,
      resourceId: entry.resourceId,
      onThisMachine: entry.onThisMachine,
      federatedCredentials: entry.federatedCredentials.map(federated),
    })),
    users: of('User').map((entry) => ({
      ...named(entry),
      upn: entry.upn,
      ...(entry.disabled === true ? { disabled: true } : {}),
    })),
    groups: of('Group').map(({ name, objectId, members }) => ({ name, objectId, members: members.map(nameOf) })),
    roleDefinitions: roles
      .definitions()
      .filter(({ type }) => type === 'CustomRole')
      .map(({ name, roleName, description, permissions }) => ({
        roleName,
        name,
        description,
        dataActions: permissions.flatMap((permission) => permission.dataActions),
        notDataActions: permissions.flatMap((permission) => permission.notDataActions),
      })),
    roleAssignments: roles
      .assignments()
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ roleDefinition, principalId, scope }) => ({
        role: roleNameOf(roleDefinition),
        principal: nameOf(principalId),
        scope,
      })),
  };
}

export type Description = ReturnType<typeof describeSeed>;

const named = ({ name, objectId, tokenLifetimeS }: TokenSubject) => ({
  name,
  objectId,
  ...(tokenLifetimeS === undefined ? {} : { tokenLifetime: tokenLifetimeS }),
});

const federated = ({ issuer, subject, audiences, keys }: FederatedCredential) => ({
  issuer,
  subject,
  audiences,
  ...(keys === undefined ? {} : { jwks: { keys } }),
});
