// Applies a seed to the parts of a mock. What is there already, as the seed says it, stays untouched.
import { isDeepStrictEqual } from 'node:util';
import { variablePart } from '../environment-file.ts';
import { type Directory, DirectoryError } from '../identity/directory.ts';
import type { DirectoryEntry } from '../identity/directory-model.ts';
import type { Service } from '../service.ts';
import { ServiceError } from '../service-error.ts';
import { applyKeys } from './apply-keys.ts';
import { applyRoleAssignments, applyRoleDefinitions } from './apply-roles.ts';
import { type Seed, SeedError } from './document.ts';
import { groupEntry, managedIdentityEntry, servicePrincipalEntry, userEntry } from './entries.ts';
import { applyRemovals } from './remove.ts';

export type SeedParts = Pick<Service, 'directory' | 'roles' | 'keys' | 'tokens'>;

/**
 * Makes the mock hold what the seed says, in an order in which nothing is missing.
 *
 * `source` is what messages call the seed. Returns a sentence for each change; none when everything was there. Throws SeedError when something cannot be: what
 * comes before it is applied then, and a corrected seed can be applied on top.
 */
export async function applySeed(seed: Seed, parts: SeedParts, source: string): Promise<string[]> {
  const { tokens } = parts;
  const changes: string[] = [];
  try {
    if (seed.tenantId !== undefined && seed.tenantId !== tokens.tenantId) {
      throw new SeedError(`the tenant is ${tokens.tenantId} already, it cannot be ${seed.tenantId}`);
    }
    if (seed.remove !== undefined) changes.push(...applyRemovals(seed.remove, parts));
    if (seed.tokenLifetime !== undefined && seed.tokenLifetime !== tokens.lifetime.seconds) {
      tokens.lifetime.keep(seed.tokenLifetime);
      changes.push(`access tokens live ${seed.tokenLifetime} s`);
    }
    changes.push(...applyEntries(seed, parts));
    changes.push(...applyRoleDefinitions(seed, parts));
    changes.push(...applyRoleAssignments(seed, parts));
    changes.push(...(await applyKeys(seed, parts)));
  } catch (error) {
    const isFault = error instanceof SeedError || error instanceof DirectoryError || error instanceof ServiceError;
    throw isFault ? new SeedError(`${source}: ${error.message}`, { cause: error }) : error;
  }
  return changes;
}

function applyEntries(seed: Seed, { directory }: SeedParts): string[] {
  const changes: string[] = [];
  const put = (entry: DirectoryEntry, known: DirectoryEntry | undefined) => {
    if (isDeepStrictEqual(entry, known)) return;
    directory.put(entry);
    changes.push(`${entry.kind} ${entry.name} ${known === undefined ? 'added' : 'changed'}`);
  };
  const known = <Kind extends DirectoryEntry['kind']>(kind: Kind, name: string) => {
    const entry = directory.byName(name);
    if (entry === undefined || isOfKind(entry, kind)) return entry;
    throw new SeedError(`${name} is a ${entry.kind} already, it cannot be a ${kind}`);
  };
  for (const each of seed.servicePrincipals) {
    const before = known('ServicePrincipal', each.name);
    if (before === undefined) assertOwnVariables(each.name, directory);
    put(servicePrincipalEntry(each, before), before);
  }
  for (const each of seed.managedIdentities) {
    const before = known('ManagedIdentity', each.name);
    put(managedIdentityEntry(each, before), before);
  }
  for (const each of seed.users) {
    const before = known('User', each.name);
    put(userEntry(each, before), before);
  }
  // Groups may name each other, so that all must be there before the first gets its members.
  for (const each of seed.groups) {
    const before = known('Group', each.name);
    if (before === undefined) put(groupEntry(each, before, []), before);
  }
  for (const each of seed.groups) {
    const before = known('Group', each.name);
    const members = each.members.map((member) => memberId(member, each.name, directory.byName(member)));
    put(groupEntry(each, before, members), before);
  }
  const systemAssigned = directory.all().filter((entry) => isSystemAssigned(entry));
  if (systemAssigned.length > 1) {
    const names = systemAssigned.map(({ name }) => name).join(', ');
    throw new SeedError(`a machine has one system-assigned managed identity, this one would have: ${names}`);
  }
  return changes;
}

/** The file `env` has variables for each service principal, so that no two may have the same there. */
function assertOwnVariables(name: string, directory: Directory): void {
  const part = variablePart(name);
  const other = directory.all().find((entry) => entry.kind === 'ServicePrincipal' && variablePart(entry.name) === part);
  if (other === undefined) return;
  throw new SeedError(`${name} and ${other.name} would both be MHSM_${part}_CLIENT_ID; choose another name`);
}

function isOfKind<Kind extends DirectoryEntry['kind']>(
  entry: DirectoryEntry,
  kind: Kind,
): entry is Extract<DirectoryEntry, { kind: Kind }> {
  return entry.kind === kind;
}

function memberId(member: string, group: string, entry: DirectoryEntry | undefined): string {
  if (entry === undefined)
    throw new SeedError(`group ${group} has the member ${member}, which is not in the directory`);
  return entry.objectId;
}

const isSystemAssigned = (entry: DirectoryEntry) =>
  entry.kind === 'ManagedIdentity' && entry.assigned === 'system' && entry.onThisMachine;
