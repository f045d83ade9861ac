// Puts together what the data plane of keys, and of the pool as a whole, consists of.
import type { Clock } from '../clock.ts';
import type { MockHsmOptions } from '../options.ts';
import { Jobs } from '../pool/jobs.ts';
import { PoolBackups } from '../pool/pool-backups.ts';
import { SecurityDomain } from '../pool/security-domain.ts';
import { PoolSettings } from '../pool/settings.ts';
import type { RoleBook } from '../rbac/role-book.ts';
import type { Store } from '../store/store.ts';
import type { Certificate } from '../tls/certificate-authority.ts';
import { AttestationAuthority } from './attestation-authority.ts';
import { AutomaticRotation } from './automatic-rotation.ts';
import type { CryptoPool } from './crypto-pool.ts';
import { KeyBackups } from './key-backup.ts';
import { KeyRing } from './key-ring.ts';
import { KeyService } from './key-service.ts';
import { Releases } from './releases.ts';
import { signingIdentity } from './signing-identity.ts';

export interface KeyParts {
  readonly keys: KeyService;
  readonly keyBackups: KeyBackups;
  readonly rotation: AutomaticRotation;
  readonly attestationAuthority: AttestationAuthority;
  readonly releases: Releases;
  readonly securityDomain: SecurityDomain;
  readonly jobs: Jobs;
  readonly poolBackups: PoolBackups;
  readonly poolSettings: PoolSettings;
}

export interface Foundations {
  readonly store: Store;
  readonly ca: Certificate;
  readonly clock: Clock;
  readonly crypto: CryptoPool;
  readonly roles: RoleBook;
}

export async function keyParts(options: MockHsmOptions, foundations: Foundations): Promise<KeyParts> {
  const { store, ca, clock, crypto, roles } = foundations;
  const nowS = () => clock.nowS();
  const retention = { retentionDays: options.retentionDays ?? 90, purgeProtection: options.purgeProtection ?? false };
  const identity = (name: string) => signingIdentity(store, ca, name, `${name.toLowerCase()}.mock-hsm`);
  const keys = new KeyService(new KeyRing(store.records, nowS), retention, store.seal, crypto, nowS);
  const [securityDomain, poolSettings] = await Promise.all([
    SecurityDomain.open(store, identity('transferKey'), options.activated),
    PoolSettings.open(store),
  ]);
  const keyBackups = new KeyBackups(keys, () => securityDomain.seal);
  const jobs = new Jobs(() => clock.nowMs());
  const attestationAuthority = new AttestationAuthority(identity('attestationAuthority'), nowS);
  return {
    keys,
    keyBackups,
    rotation: new AutomaticRotation(keys, nowS),
    attestationAuthority,
    releases: new Releases(identity('keyRelease'), attestationAuthority),
    securityDomain,
    jobs,
    poolBackups: new PoolBackups({ keys, keyBackups, roles, securityDomain, records: store.records, jobs, clock }),
    poolSettings,
  };
}
