// Opens the store and puts the parts together, without listening: the server and the commands on a folder share this.
import { randomInt, randomUUID } from 'node:crypto';
import { Clock } from './clock.ts';
import { readBody } from './http/read-body.ts';
import { AccessTokens } from './identity/access-tokens.ts';
import { DeviceCodes } from './identity/device-codes.ts';
import { Directory, newSecret } from './identity/directory.ts';
import { RefreshTokens } from './identity/refresh-tokens.ts';
import { makeSigningKey } from './identity/signing-key.ts';
import { TokenLifetime } from './identity/token-lifetime.ts';
import { CryptoPool } from './keyvault/crypto-pool.ts';
import { keyParts } from './keyvault/parts.ts';
import type { MockHsmOptions } from './options.ts';
import { Profile } from './profile/profile.ts';
import { profileBody } from './profile/settings.ts';
import { chanceFor } from './random.ts';
import { ensureAdministrators } from './rbac/administrators.ts';
import { RoleBook } from './rbac/role-book.ts';
import { applySeed } from './seed/apply.ts';
import { administratorSeed, seedOf, seedSource, startingSeed } from './seed/starting-seed.ts';
import type { Service } from './service.ts';
import { keptSetting } from './store/settings.ts';
import { openStore, type Store } from './store/store.ts';
import { type Certificate, makeAuthority } from './tls/certificate-authority.ts';
import { ServerCertificates } from './tls/server-certificates.ts';
import { changeClock, clockChange } from './traffic/clock-changes.ts';
import { Connections } from './traffic/connections.ts';
import { Faults } from './traffic/faults.ts';
import { Listener } from './traffic/listener.ts';
import { openLogLines } from './traffic/log-lines.ts';
import { Metrics } from './traffic/metrics.ts';
import { RequestLog } from './traffic/request-log.ts';

export interface Assembly {
  readonly service: Service;
  readonly authority: Certificate;
  /** Where the server listens; set by whoever makes it listen. */
  readonly address: { url: string };
  /** What App Service would give a web app as IDENTITY_HEADER. */
  readonly identityHeader: string;
  /** What the seed changed, a sentence each. */
  readonly changes: readonly string[];
  /** Closes the store. */
  close(): Promise<void>;
}

/**
 * Throws an error with one clear line when the data folder cannot be had.
 * @param source what messages call the seed
 */
export async function assemble(options: MockHsmOptions, source = seedSource(options)): Promise<Assembly> {
  const store = openStore(options.dataDir);
  try {
    return await partsOf(options, store, source);
  } catch (error) {
    store.records.close();
    throw error;
  }
}

async function partsOf(options: MockHsmOptions, store: Store, source: string): Promise<Assembly> {
  const seeded = seedOf(options, source);
  const clock = new Clock(options.now);
  const nowS = () => clock.nowS();
  const [ca, tenantId, signingKey, identityHeader] = await Promise.all([
    keptSetting(store, 'certificateAuthority', async () => JSON.stringify(await makeAuthority(new Date()))),
    keptSetting(store, 'tenantId', () => seeded.tenantId ?? randomUUID()),
    keptSetting(store, 'tokenSigningKey', makeSigningKey),
    keptSetting(store, 'identityHeader', newSecret),
  ]);
  const authority = JSON.parse(ca) as Certificate;
  const crypto = new CryptoPool();
  const roles = new RoleBook(store.records, {
    delayMs: options.propagationDelayMs ?? 0,
    nowMs: () => clock.nowMs(),
  });
  const { profile, latency, partitions, capacity } = options;
  const lines = options.logFile === undefined ? undefined : openLogLines(options.logFile);
  const metrics = new Metrics();
  const seed = options.seed ?? randomInt(2 ** 31);
  const directory = new Directory(store);
  const lifetime = new TokenLifetime(store, options.tokenLifetimeS);
  if (options.clock !== undefined) changeClock(clock, readBody(clockChange, options.clock));
  const faults = new Faults(seed, () => clock.nowMs());
  const address = { url: 'https://localhost' };
  const service: Service = {
    ...(await keyParts(options, { store, ca: authority, clock, crypto, roles })),
    roles,
    directory,
    tokens: new AccessTokens(tenantId, signingKey, lifetime, directory, nowS),
    refreshTokens: new RefreshTokens(store.seal),
    deviceCodes: new DeviceCodes(nowS),
    metrics,
    log: new RequestLog(undefined, lines),
    faults,
    connections: new Connections(faults, metrics),
    listener: new Listener(options.idleTimeoutMs, options.maxRequestsPerConnection),
    certificates: new ServerCertificates(authority, serverNames(options), store),
    profile: new Profile(profileBody.parse({ profile, latency, partitions, capacity }), chanceFor(seed, 'latency')),
    hostnames: options.hostnames ?? [],
    clock,
    publicUrl: () => address.url,
  };
  const isFirst = directory.byName('admin') === undefined;
  const changes = [
    ...(isFirst ? await applySeed(administratorSeed(seeded), service, source) : []),
    ...(await applySeed(startingSeed(seeded, options), service, source)),
  ];
  ensureAdministrators(service.roles, options.initialAdministrators ?? []);
  service.roles.putIntoEffect();
  const close = async () => {
    await crypto.close();
    await lines?.close();
    store.records.close();
  };
  return { service, authority, address, identityHeader, changes, close };
}

/** What clients may call the server by. */
const serverNames = ({ hostnames = [] }: MockHsmOptions) => ['localhost', '127.0.0.1', '::1', ...hostnames];
