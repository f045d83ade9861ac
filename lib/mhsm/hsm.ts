import { createHmac, randomBytes } from 'node:crypto';
import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import type { Hsm, HsmIdentity } from '../core/hsm.ts';
import { credentialOfPin, ownCredential } from './credential.ts';
import { Endpoint, type HsmOptions } from './endpoint.ts';
import { RestIdentity } from './identity.ts';
import type { IdentityState } from './observer.ts';
import type { TransportStats } from './transport.ts';

export type { HsmOptions } from './endpoint.ts';
export type { HsmObserver, IdentityState } from './observer.ts';
export type { TransportStats } from './transport.ts';

/** PINs that were tried and are not in use cost a little memory; beyond this many the oldest is forgotten. */
const MAX_IDENTITIES = 256;

export interface RestHsm extends Hsm {
  /** Connections and requests now. */
  readonly stats: TransportStats;
  /** Of identities that have a token: at most 257. */
  readonly identities: readonly IdentityState[];
  /** Ends all connections; requests under way fail. */
  close(): Promise<void>;
}

/** The identities of PINs: the same PIN, the same identity, as long as it is not refused. */
function createIdentities(endpoint: Endpoint): {
  ofPin: (pin: Uint8Array) => HsmIdentity;
  all: () => Iterable<RestIdentity>;
} {
  const identities = new Map<string, RestIdentity>();
  // PINs are told apart by a keyed hash, so that no table of them stays in memory.
  const hashKey = randomBytes(32);
  const ofPin = (pin: Uint8Array) => {
    const credential = credentialOfPin(pin);
    const text = JSON.stringify([credential.clientId, credential.clientSecret]);
    const id = createHmac('sha256', hashKey).update(text).digest('base64');
    const identity = identities.get(id) ?? new RestIdentity(endpoint, credential, () => identities.delete(id));
    identities.delete(id);
    identities.set(id, identity);
    const oldest = identities.keys().next().value;
    if (identities.size > MAX_IDENTITIES && oldest !== undefined) identities.delete(oldest);
    return identity;
  };
  return { ofPin, all: () => identities.values() };
}

/**
 * The Managed HSM of a token. Nothing is sent before somebody authenticates. With `msi.identityMSI` or a `credential`
 * the slot has its own identity and PINs are ignored, as in the closed library. Throws ConfigurationError
 * (CKR_GENERAL_ERROR) when caFile or the credential's certificate cannot be read, or a workload identity is not named.
 */
export function createHsm(token: TokenConfiguration, configuration: Configuration, options: HsmOptions = {}): RestHsm {
  const endpoint = new Endpoint(token, configuration, options);
  const { tokenCredential: source } = options;
  const own = source === undefined ? ownCredential(token, configuration) : ({ kind: 'given', source } as const);
  if (own?.kind === 'secret') endpoint.learnSecret(own.clientSecret, 'accepted');
  const ownIdentity = own && new RestIdentity(endpoint, own);
  const ofPins = createIdentities(endpoint);
  return {
    url: endpoint.url,
    ownIdentity,
    identityOfPin: (pin) => ownIdentity ?? ofPins.ofPin(pin),
    get stats() {
      return endpoint.transport.stats;
    },
    get identities() {
      const all = ownIdentity === undefined ? [...ofPins.all()] : [ownIdentity];
      return all.map(({ state }) => state).filter(({ token }) => token !== undefined);
    },
    close: () => endpoint.transport.close(),
  };
}
