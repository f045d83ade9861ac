// Puts the parts together and listens. For programs and tests; the command line is bin.ts.
import { randomUUID } from 'node:crypto';
import { Clock } from './clock.ts';
import { AccessTokens, makeSigningKey } from './identity/access-tokens.ts';
import { Directory } from './identity/directory.ts';
import type { ServicePrincipalEntry } from './identity/directory-model.ts';
import { CryptoPool } from './keyvault/crypto-pool.ts';
import { KeyRing } from './keyvault/key-ring.ts';
import { KeyService } from './keyvault/key-service.ts';
import { administratorRole } from './rbac/builtin-roles.ts';
import { RoleBook } from './rbac/role-book.ts';
import { createApp } from './server.ts';
import type { Service } from './service.ts';
import { keptSetting } from './store/settings.ts';
import { openStore, type Store } from './store/store.ts';
import { type Certificate, makeAuthority, makeServerCertificate } from './tls/certificate-authority.ts';
import { Faults } from './traffic/faults.ts';
import { Metrics } from './traffic/metrics.ts';
import { RequestLog } from './traffic/request-log.ts';

/** What a client needs to log in as a service principal. */
export interface ServicePrincipal {
  readonly name: string;
  /** The application id. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The id that role assignments know. */
  readonly objectId: string;
}

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
  /** The clock, in milliseconds since 1970. TLS does not follow it. */
  readonly now?: () => number;
}

export interface MockHsm {
  /** `https://localhost:{port}`: base URL of the pool, and authority host. */
  readonly url: string;
  readonly port: number;
  /** Certificate of the CA that clients must trust. */
  readonly caPem: string;
  readonly tenantId: string;
  /** Has the role Managed HSM Administrator at `/` and no other. */
  readonly admin: ServicePrincipal;
  /** Has no role. */
  readonly client: ServicePrincipal;
  /** The service principals of the options, by name. */
  readonly principals: Readonly<Record<string, ServicePrincipal>>;
  /** Stops listening, closes all connections and the store. */
  close(): Promise<void>;
}

/**
 * Starts a mock Managed HSM with its own CA and its own Entra ID.
 *
 * Throws an error with one clear line when the port or the data folder cannot be had.
 */
export async function startMockHsm(options: MockHsmOptions = {}): Promise<MockHsm> {
  const store = openStore(options.dataDir);
  try {
    return await serve(options, store);
  } catch (error) {
    store.records.close();
    throw error;
  }
}

async function serve(options: MockHsmOptions, store: Store): Promise<MockHsm> {
  const clock = new Clock(options.now);
  const nowS = () => clock.nowS();
  const [ca, tenantId, signingKey] = await Promise.all([
    keptSetting(store, 'certificateAuthority', async () => JSON.stringify(await makeAuthority(new Date()))),
    keptSetting(store, 'tenantId', randomUUID),
    keptSetting(store, 'tokenSigningKey', makeSigningKey),
  ]);
  const authority = JSON.parse(ca) as Certificate;
  const hostnames = options.hostnames ?? [];
  const names = ['localhost', '127.0.0.1', '::1', ...hostnames];
  const certificate = await makeServerCertificate(authority, names, new Date());
  const crypto = new CryptoPool();
  const retention = { retentionDays: options.retentionDays ?? 90, purgeProtection: options.purgeProtection ?? false };
  let url = 'https://localhost';
  const service: Service = {
    keys: new KeyService(new KeyRing(store.records, nowS), retention, store.seal, crypto, nowS),
    roles: new RoleBook(store.records),
    directory: new Directory(store),
    tokens: new AccessTokens(tenantId, signingKey, options.tokenLifetimeS ?? 3600, nowS),
    metrics: new Metrics(),
    log: new RequestLog(),
    faults: new Faults(),
    hostnames,
    clock,
    publicUrl: () => url,
  };
  const people = ensurePrincipals(service, options.servicePrincipals ?? []);
  const app = createApp(service, certificate);
  await app.listen({ port: options.port ?? 0, host: options.listen ?? '127.0.0.1' });
  const port = portOf(app.server.address());
  url = `https://localhost:${port}`;
  const close = async () => {
    await app.close();
    await crypto.close();
    store.records.close();
  };
  return { url, port, caPem: authority.certPem, tenantId, ...people, close };
}

function ensurePrincipals({ directory, roles }: Service, names: readonly string[]) {
  const isFirstStart = directory.byName('admin') === undefined;
  const admin = credentialsOf(directory.ensureServicePrincipal('admin'));
  if (isFirstStart) {
    roles.addAssignment({
      name: randomUUID(),
      principalId: admin.objectId,
      roleDefinition: administratorRole,
      scope: '/',
    });
  }
  const named = names.map((name) => [name, credentialsOf(directory.ensureServicePrincipal(name))] as const);
  return {
    admin,
    client: credentialsOf(directory.ensureServicePrincipal('client')),
    principals: Object.fromEntries(named),
  };
}

/** With the newest secret, or an empty one when it has none. */
function credentialsOf({ name, clientId, objectId, secrets }: ServicePrincipalEntry): ServicePrincipal {
  return { name, clientId, clientSecret: secrets.at(-1)?.value ?? '', objectId };
}

function portOf(address: string | { port: number } | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port');
  return address.port;
}
