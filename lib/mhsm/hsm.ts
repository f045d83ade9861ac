import { createHmac, randomBytes } from 'node:crypto';
import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import type { Hsm, HsmIdentity } from '../core/hsm.ts';
import { type Credential, credentialOfPin } from './credential.ts';
import { Endpoint } from './endpoint.ts';
import { RestIdentity } from './identity.ts';
import type { Transport } from './transport.ts';

/** PINs that were tried and are not in use cost a little memory; beyond this many the oldest is forgotten. */
const MAX_IDENTITIES = 256;

export interface RestHsm extends Hsm {
  /** Connections now: connected, free, queued and running requests. */
  readonly stats: Transport['stats'];
  close(): Promise<void>;
}

function ownCredential({ credential }: TokenConfiguration, { msi }: Configuration): Credential | undefined {
  if (msi.identityMSI) return { kind: 'managed', clientId: msi.MSIClientID || undefined };
  if (credential === undefined) return undefined;
  const { clientId, clientSecret, certificatePath, tenantId } = credential;
  if (clientSecret !== undefined) return { kind: 'secret', clientId, clientSecret, tenantId };
  return { kind: 'certificate', clientId, certificatePath: certificatePath ?? '', tenantId };
}

/**
 * The Managed HSM of a token. Nothing is sent before somebody authenticates. With `msi.identityMSI` the slot has its
 * own identity and PINs are ignored, as in the closed library. Throws ConfigurationError when caFile cannot be read.
 */
export function createHsm(token: TokenConfiguration, configuration: Configuration): RestHsm {
  const endpoint = new Endpoint(token, configuration);
  const own = ownCredential(token, configuration);
  const ownIdentity = own && new RestIdentity(endpoint, own);
  const identities = new Map<string, HsmIdentity>();
  // PINs are told apart by a keyed hash, so that no table of them stays in memory.
  const hashKey = randomBytes(32);

  function identityOfPin(pin: Uint8Array): HsmIdentity {
    if (ownIdentity !== undefined) return ownIdentity;
    const credential = credentialOfPin(pin);
    const id = createHmac('sha256', hashKey).update(pin).digest('base64');
    const identity = identities.get(id) ?? new RestIdentity(endpoint, credential);
    identities.delete(id);
    identities.set(id, identity);
    const oldest = identities.keys().next().value;
    if (identities.size > MAX_IDENTITIES && oldest !== undefined) identities.delete(oldest);
    return identity;
  }

  return {
    url: endpoint.url,
    ownIdentity,
    identityOfPin,
    get stats() {
      return endpoint.transport.stats;
    },
    close: () => endpoint.transport.close(),
  };
}
