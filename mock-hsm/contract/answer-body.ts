/**
 * What answers hold, by the names of the service's reference (Managed HSM REST 7.4 to 7.6, Entra ID) and of the mock's own
 * `/mock/` paths. Which members an answer has depends on what was asked; a test that looks for another one finds nothing
 * there and fails.
 */

export interface KeyBody {
  readonly kid: string;
  readonly kty: string;
  readonly crv: string;
  readonly key_ops: readonly string[];
  readonly n: string;
  readonly e: string;
  readonly x: string;
  readonly y: string;
}

export interface AttributesBody {
  readonly created: number;
  readonly updated: number;
  readonly exp: number;
  readonly nbf: number;
  readonly enabled: boolean;
  readonly exportable: boolean;
  readonly recoverableDays: number;
  readonly recoveryLevel: string;
  /** Of a rotation policy. */
  readonly expiryTime: string;
  readonly attestation: {
    readonly certificatePemFile: string;
    readonly privateKeyAttestation: string;
    readonly publicKeyAttestation: string;
    readonly version: string;
  };
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly innererror: { readonly code: string };
}

/** The answer to most requests. */
export interface AnswerBody {
  readonly key: KeyBody;
  readonly kid: string;
  readonly attributes: AttributesBody;
  readonly tags: Readonly<Record<string, string>>;
  readonly release_policy: { readonly data: string; readonly contentType: string; readonly immutable: boolean };
  readonly error: ErrorBody;
  readonly deletedDate: number;
  readonly scheduledPurgeDate: number;
  /** Of a signature, a ciphertext, a backup, random bytes. */
  readonly value: string;
  readonly aad: string;
  readonly iv: string;
  readonly tag: string;
  readonly lifetimeActions: readonly object[];
  /** Of roles and their assignments. */
  readonly id: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Of backups, restores and the security domain. */
  readonly jobId: string;
  readonly status: string;
  readonly statusDetails: string;
  readonly azureStorageBlobContainerUri: string;
  readonly transfer_key: string;
  readonly key_format: string;
}

export interface TokenBody {
  readonly access_token: string;
  readonly id_token: string;
  readonly refresh_token: string;
  readonly client_info: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly error: string;
  readonly error_codes: readonly number[];
  readonly error_description: string;
  readonly user_code: string;
  readonly device_code: string;
  readonly verification_uri: string;
  readonly message: string;
  readonly tenant_discovery_endpoint: string;
  readonly jwks_uri: string;
}

/** An item of a list of keys, of roles or of assignments. */
export interface ItemBody {
  readonly kid: string;
  readonly id: string;
  readonly name: string;
  readonly attributes: AttributesBody;
  readonly tags: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface ListBody {
  readonly value: readonly ItemBody[];
  readonly nextLink?: string;
}

/** Of a list that goes on. */
export interface PageBody extends ListBody {
  readonly nextLink: string;
}

/** `/mock/seed`. */
export interface SeedBody {
  readonly servicePrincipals: readonly { readonly name: string; readonly clientId: string }[];
  readonly managedIdentities: readonly {
    readonly name: string;
    readonly clientId: string;
    readonly objectId: string;
    readonly resourceId: string;
  }[];
}

/** What the switches of the mock are set to: `/mock/clock`, `/mock/tokens`, `/mock/certificate`, `/mock/profile`. */
export interface SwitchBody {
  readonly now: string;
  readonly lifetimeS: number;
  readonly fingerprint256: string;
  readonly caPem: string;
  readonly rates: Readonly<Record<string, number>>;
}
