// What a mock can be started with, from a program or a test.

export interface MockHsmOptions {
  /** 0 (the default) takes a free one. */
  readonly port?: number;
  /** Address to listen on; default 127.0.0.1. */
  readonly listen?: string;
  /** Folder that keeps everything; in memory when absent. */
  readonly dataDir?: string;
  /** Further names for the server certificate, for example `*.managedhsm.azure.net`. */
  readonly hostnames?: readonly string[];
  /** Further service principals, without roles. */
  readonly servicePrincipals?: readonly string[];
  /** Life of an access token in seconds; default 3600. */
  readonly tokenLifetimeS?: number;
  /** Days a deleted key can be recovered, 7 to 90; default 90. */
  readonly retentionDays?: number;
  readonly purgeProtection?: boolean;
  /** Object ids that have the role Managed HSM Administrator at `/`, beside the principal `admin`. */
  readonly initialAdministrators?: readonly string[];
  /** How long a change of roles takes to be felt, in milliseconds by the clock; default 0. Lists show it at once. */
  readonly propagationDelayMs?: number;
  /** The clock, in milliseconds since 1970. TLS does not follow it. */
  readonly now?: () => number;
}
