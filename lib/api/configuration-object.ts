/** A token of the configuration: one Managed HSM. `resourceName` or `baseUrl` is needed. */
export interface TokenObject {
  /** CK_SLOT_ID, a different one for each token. */
  readonly slotid: number;
  /** Name of the HSM; its address is `https://{resourceName}.{uri}`. */
  readonly resourceName?: string;
  /** DNS suffix of the service. Default: `managedhsm.azure.net`. */
  readonly uri?: string;
  /** Whole address instead: for mock-hsm and private endpoints. */
  readonly baseUrl?: string;
  /** PEM file of the authorities to trust for this HSM. */
  readonly caFile?: string;
  /** Entra ID tenant. Default: the one that the HSM names. */
  readonly tenantId?: string;
  /** Address of Entra ID. Default: the one that the HSM names, if it is one of Azure's. */
  readonly authorityHost?: string;
  /** Label of the token. Default: `resourceName`. */
  readonly label?: string;
  /** PEM files whose certificates are shown beside the keys. */
  readonly certificates?: readonly string[];
  /** Whether keys may be deleted. Default: false. */
  readonly allowDestroy?: boolean;
}

/** The content of mhsm-pkcs11.conf as an object. Sections that are not named here are taken as in the file. */
export interface ConfigurationObject {
  /** At least one. */
  readonly tokens: readonly TokenObject[];
  /** Connections to one HSM: `MaxConnections` (20) of them, kept, unless `Disable`. */
  readonly ConnectionCache?: { readonly Disable?: boolean; readonly MaxConnections?: number };
  /** Milliseconds: `requestMs` (10000) for a signature, `slowRequestMs` (60000) for calls of many requests. */
  readonly timeouts?: { readonly requestMs?: number; readonly slowRequestMs?: number };
  /** `keyListSeconds` (60): age at which the key list is read again in the background. */
  readonly cache?: { readonly keyListSeconds?: number };
}
