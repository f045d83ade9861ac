// The managed identities of "this machine": which one a request means, and its tokens.
import type { Service } from '../service.ts';
import type { Directory } from './directory.ts';
import type { ManagedIdentityEntry } from './directory-model.ts';
import { isKnownResource } from './token-endpoint.ts';

/** How a request names an identity; the first that is given counts. All absent: the machine's own. */
export interface IdentityChoice {
  readonly clientId?: string | undefined;
  readonly objectId?: string | undefined;
  readonly resourceId?: string | undefined;
}

export type Chosen = ManagedIdentityEntry | 'none' | 'several';

/**
 * The identity that is meant. Without a choice it is the system-assigned one, or the only user-assigned one;
 * `several` when there are more of those.
 */
export function chooseIdentity(directory: Directory, choice: IdentityChoice): Chosen {
  const all = directory
    .all()
    .filter((entry): entry is ManagedIdentityEntry => entry.kind === 'ManagedIdentity' && entry.onThisMachine);
  const { clientId, objectId, resourceId } = choice;
  if (clientId !== undefined) return all.find((each) => each.clientId === clientId.toLowerCase()) ?? 'none';
  if (objectId !== undefined) return all.find((each) => each.objectId === objectId.toLowerCase()) ?? 'none';
  if (resourceId !== undefined) {
    return all.find((each) => each.resourceId.toLowerCase() === resourceId.toLowerCase()) ?? 'none';
  }
  const systemAssigned = all.find(({ assigned }) => assigned === 'system');
  if (systemAssigned !== undefined) return systemAssigned;
  return all.length > 1 ? 'several' : (all[0] ?? 'none');
}

export interface MachineToken {
  readonly accessToken: string;
  readonly expiresInS: number;
  readonly expiresOnS: number;
  readonly notBeforeS: number;
}

/** Undefined when the tenant does not know the resource. */
export async function machineToken(
  identity: ManagedIdentityEntry,
  resource: string,
  service: Service,
): Promise<MachineToken | undefined> {
  if (!isKnownResource(resource, 'localhost', service)) return undefined;
  const grant = { subject: identity, clientId: identity.clientId, proof: '2' } as const;
  const { accessToken, expiresInS } = await service.tokens.issue(grant, resource);
  const nowS = service.clock.nowS();
  return { accessToken, expiresInS, expiresOnS: nowS + expiresInS, notBeforeS: nowS };
}
