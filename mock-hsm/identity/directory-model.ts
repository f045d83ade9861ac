// Who exists in the tenant, as it is kept. Entries are replaced, never changed.

interface Named {
  /** The mock's own name for it, unique without regard to case: `admin`, `client`, or what it was added as. */
  readonly name: string;
  /** A GUID, lower case: the only id that role assignments know. */
  readonly objectId: string;
}

/** One of several secrets of a service principal. */
export interface Secret {
  /** A GUID. It can be shown, the value cannot. */
  readonly keyId: string;
  readonly value: string;
  /** Unix seconds; absent when it never ends. */
  readonly expiresS?: number;
}

/** A certificate whose holder may sign assertions in the name of the service principal. */
export interface RegisteredCertificate {
  /** SHA-1 or SHA-256 over the DER, upper-case hex. */
  readonly thumbprint: string;
  /** Absent when only the thumbprint is known: then an assertion must bring the certificate in `x5c`. */
  readonly pem?: string;
}

/** Trust in tokens of another issuer (workload identity federation). */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
  /** The issuer's public keys as JWKs; absent when the issuer is this tenant itself. */
  readonly keys?: readonly Readonly<Record<string, unknown>>[];
}

export interface ServicePrincipalEntry extends Named {
  readonly kind: 'ServicePrincipal';
  /** The application id: a GUID, lower case. */
  readonly clientId: string;
  readonly secrets: readonly Secret[];
  readonly certificates: readonly RegisteredCertificate[];
  readonly federatedCredentials: readonly FederatedCredential[];
  /** Life of its access tokens in seconds, where it differs from the tenant's. */
  readonly tokenLifetimeS?: number;
  readonly disabled?: boolean;
}

export interface ManagedIdentityEntry extends Named {
  readonly kind: 'ManagedIdentity';
  readonly clientId: string;
  readonly assigned: 'system' | 'user';
  /** ARM id of the identity, or of the machine when it is assigned by the system. */
  readonly resourceId: string;
  /** Whether IMDS and the App Service endpoint give tokens for it. */
  readonly onThisMachine: boolean;
  readonly federatedCredentials: readonly FederatedCredential[];
  readonly tokenLifetimeS?: number;
}

export interface UserEntry extends Named {
  readonly kind: 'User';
  /** User principal name, `who@domain`. */
  readonly upn: string;
  readonly password: string;
  readonly tokenLifetimeS?: number;
  readonly disabled?: boolean;
}

export interface GroupEntry extends Named {
  readonly kind: 'Group';
  /** Object ids; groups may hold groups. */
  readonly members: readonly string[];
}

export type DirectoryEntry = ServicePrincipalEntry | ManagedIdentityEntry | UserEntry | GroupEntry;

/** Entries that tokens are issued for. */
export type TokenSubject = Exclude<DirectoryEntry, GroupEntry>;
