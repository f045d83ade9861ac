// The parts that routes work with.
import type { Clock } from './clock.ts';
import type { AccessTokens } from './identity/access-tokens.ts';
import type { DeviceCodes } from './identity/device-codes.ts';
import type { Directory } from './identity/directory.ts';
import type { RefreshTokens } from './identity/refresh-tokens.ts';
import type { KeyParts } from './keyvault/parts.ts';
import type { Profile } from './profile/profile.ts';
import type { RoleBook } from './rbac/role-book.ts';
import type { ServerCertificates } from './tls/server-certificates.ts';
import type { Connections } from './traffic/connections.ts';
import type { Faults } from './traffic/faults.ts';
import type { Listener } from './traffic/listener.ts';
import type { Metrics } from './traffic/metrics.ts';
import type { RequestLog } from './traffic/request-log.ts';

export interface Service extends KeyParts {
  readonly roles: RoleBook;
  readonly directory: Directory;
  readonly tokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly deviceCodes: DeviceCodes;
  readonly metrics: Metrics;
  readonly log: RequestLog;
  readonly faults: Faults;
  readonly profile: Profile;
  readonly connections: Connections;
  readonly listener: Listener;
  readonly certificates: ServerCertificates;
  /** Host names beside localhost that the mock answers to; may begin with `*.`. */
  readonly hostnames: readonly string[];
  readonly clock: Clock;
  /** `https://localhost:{port}`; known once the server listens. */
  readonly publicUrl: () => string;
}
