// What a seed takes away. What is not there is no error, so that applying it again changes nothing.
import type { ServicePrincipalEntry } from '../identity/directory-model.ts';
import type { SeedParts } from './apply.ts';
import { findAssignment } from './apply-roles.ts';
import { type Seed, SeedError } from './document.ts';

type Removal = NonNullable<Seed['remove']>;

export function applyRemovals(removal: Removal, parts: SeedParts): string[] {
  return [
    ...removeAssignments(removal, parts),
    ...removeProofs(removal, parts),
    ...removeMembers(removal, parts),
    ...removePrincipals(removal, parts),
  ];
}

function removeAssignments({ roleAssignments }: Removal, parts: SeedParts): string[] {
  return roleAssignments.flatMap((unwanted) => {
    const found = assignmentOf(unwanted, parts);
    if (found === undefined) return [];
    parts.roles.deleteAssignment(found.name);
    return [`role ${unwanted.role} taken from ${unwanted.principal} at ${unwanted.scope}`];
  });
}

/** A role or principal that does not exist has no assignment. */
function assignmentOf(unwanted: Removal['roleAssignments'][number], parts: SeedParts) {
  try {
    return findAssignment(unwanted, parts);
  } catch (error) {
    if (error instanceof SeedError) return undefined;
    throw error;
  }
}

function removeProofs({ secrets, certificates }: Removal, { directory }: SeedParts): string[] {
  const changes: string[] = [];
  const remove = (name: string, without: (entry: ServicePrincipalEntry) => ServicePrincipalEntry, what: string) => {
    const entry = directory.byName(name);
    if (entry?.kind !== 'ServicePrincipal') return;
    const changed = without(entry);
    const has = ({ secrets: some, certificates: others }: ServicePrincipalEntry) => some.length + others.length;
    if (has(changed) === has(entry)) return;
    directory.put(changed);
    changes.push(`${what} of ${name} removed`);
  };
  for (const { principal, keyId } of secrets) {
    const without = (entry: ServicePrincipalEntry) => ({
      ...entry,
      secrets: entry.secrets.filter((secret) => secret.keyId !== keyId),
    });
    remove(principal, without, `secret ${keyId}`);
  }
  for (const { principal, thumbprint } of certificates) {
    const without = (entry: ServicePrincipalEntry) => ({
      ...entry,
      certificates: entry.certificates.filter((certificate) => certificate.thumbprint !== thumbprint),
    });
    remove(principal, without, `certificate ${thumbprint}`);
  }
  return changes;
}

function removeMembers({ members }: Removal, { directory }: SeedParts): string[] {
  return members.flatMap(({ group, member }) => {
    const entry = directory.byName(group);
    const objectId = directory.byName(member)?.objectId;
    if (entry?.kind !== 'Group' || objectId === undefined || !entry.members.includes(objectId)) return [];
    directory.put({ ...entry, members: entry.members.filter((each) => each !== objectId) });
    return [`${member} taken out of ${entry.name}`];
  });
}

function removePrincipals({ principals }: Removal, { directory }: SeedParts): string[] {
  return principals.flatMap((name) => {
    const entry = directory.byName(name);
    if (entry === undefined) return [];
    if (entry.name === 'admin' || entry.name === 'client') throw new SeedError(`${entry.name} cannot be removed`);
    directory.remove(entry.objectId);
    return [`${entry.kind} ${entry.name} removed`];
  });
}
