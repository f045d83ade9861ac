// What a mock can be started with, from a program or a test.
import type { Limits } from './http/limits.ts';
import type { ProfileSettings } from './profile/settings.ts';
import type { SeedDocument } from './seed/document.ts';
import type { ClockRequest } from './traffic/clock-changes.ts';
import type { FaultRequest } from './traffic/fault-model.ts';

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
  /** File, YAML or JSON, of what the mock is to hold: principals, roles, keys. See docs/mock-hsm.md. */
  readonly seedFile?: string;
  /** The same as an object, when there is no file. */
  readonly seedDocument?: SeedDocument;
  /** Life of an access token in seconds, for this run; default what a seed said last, else 3600. */
  readonly tokenLifetimeS?: number;
  /** Port of managed identity (IMDS, App Service) over plain HTTP; 0 takes a free one. Absent: there is none. */
  readonly imdsPort?: number;
  /** Address for it; default 127.0.0.1. */
  readonly imdsListen?: string;
  /** Days a deleted key can be recovered, 7 to 90; default 90. */
  readonly retentionDays?: number;
  readonly purgeProtection?: boolean;
  /** Whether a new pool is activated, as by a download of its security domain; default true. */
  readonly activated?: boolean;
  /** Object ids that have the role Managed HSM Administrator at `/`, beside the principal `admin`. */
  readonly initialAdministrators?: readonly string[];
  /** How long a change of roles takes to be felt, in milliseconds by the clock; default 0. Lists show it at once. */
  readonly propagationDelayMs?: number;
  /** How fast the pool is: as fast as it goes (`none`, the default) or as Microsoft publishes of its one SKU. */
  readonly profile?: ProfileSettings['profile'];
  /** What the network adds to each answer, there and back: `5ms`, or with a spread `5ms±1ms`. */
  readonly latency?: string;
  /** Partitions that are up, 1 to 3; default 3. */
  readonly partitions?: number;
  /** Operations a second that differ from the profile's: `{ 'sign:RSA-2048': 1100 }`, of one partition. */
  readonly capacity?: ProfileSettings['capacity'];
  /** What chance follows from (latencies, faults by rate); a new one each time when absent. */
  readonly seed?: number;
  /** Faults from the start on, as `POST /mock/faults` takes them. */
  readonly faults?: readonly FaultRequest[];
  /** What the clock is at the start, as `POST /mock/clock` takes it. */
  readonly clock?: ClockRequest;
  /** How long an idle connection stays open; default ten minutes. */
  readonly idleTimeoutMs?: number;
  /** Requests after which a connection is closed; as many as come when absent. */
  readonly maxRequestsPerConnection?: number;
  /** Appends the request log there, as JSON lines; `-` is standard error. */
  readonly logFile?: string;
  /** How much a client may send and how slowly, where it differs from `standardLimits`. */
  readonly limits?: Partial<Limits>;
  /** The clock, in milliseconds since 1970. TLS does not follow it. */
  readonly now?: () => number;
}
