// From what a seed says of an entry, and what the directory holds of it, to what it should hold. Pure, but for new ids.
import { createPublicKey, randomUUID, X509Certificate } from 'node:crypto';
import { fingerprint } from '../identity/certificate-assertion.ts';
import { newSecret } from '../identity/directory.ts';
import type {
  DirectoryEntry,
  FederatedCredential,
  GroupEntry,
  ManagedIdentityEntry,
  RegisteredCertificate,
  Secret,
  ServicePrincipalEntry,
  UserEntry,
} from '../identity/directory-model.ts';
import { type Seed, SeedError } from './document.ts';

type ServicePrincipalSeed = Seed['servicePrincipals'][number];
type ManagedIdentitySeed = Seed['managedIdentities'][number];
type UserSeed = Seed['users'][number];
type GroupSeed = Seed['groups'][number];

/** A subscription that stands for none. */
const resourceGroup = '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/mock-hsm/providers';

/** A new one without any way to prove itself gets a secret. */
export function servicePrincipalEntry(
  seed: ServicePrincipalSeed,
  known: ServicePrincipalEntry | undefined,
): ServicePrincipalEntry {
  const proves = seed.secrets ?? seed.certificates ?? seed.federatedCredentials;
  const first = known === undefined && proves === undefined ? [{ value: newSecret() }] : [];
  return {
    kind: 'ServicePrincipal',
    ...identityOf(seed, known),
    clientId: fixed(seed, known, 'clientId'),
    secrets: withSecrets(known?.secrets ?? [], seed.secrets ?? first),
    certificates: withCertificates(known?.certificates ?? [], seed.certificates ?? [], seed.name),
    federatedCredentials: withFederated(known?.federatedCredentials ?? [], seed.federatedCredentials ?? [], seed.name),
    ...lifetimeOf(seed, known),
    ...disabledOf(seed, known),
  };
}

export function managedIdentityEntry(
  seed: ManagedIdentitySeed,
  known: ManagedIdentityEntry | undefined,
): ManagedIdentityEntry {
  const assigned = seed.assigned ?? known?.assigned ?? 'user';
  const kind =
    assigned === 'user' ? 'Microsoft.ManagedIdentity/userAssignedIdentities' : 'Microsoft.Compute/virtualMachines';
  return {
    kind: 'ManagedIdentity',
    ...identityOf(seed, known),
    clientId: fixed(seed, known, 'clientId'),
    assigned,
    resourceId: seed.resourceId ?? known?.resourceId ?? `${resourceGroup}/${kind}/${seed.name}`,
    onThisMachine: seed.onThisMachine ?? known?.onThisMachine ?? true,
    federatedCredentials: withFederated(known?.federatedCredentials ?? [], seed.federatedCredentials ?? [], seed.name),
    ...lifetimeOf(seed, known),
  };
}

export function userEntry(seed: UserSeed, known: UserEntry | undefined): UserEntry {
  const upn = seed.upn ?? known?.upn;
  const password = seed.password ?? known?.password;
  if (upn === undefined) throw new SeedError(`user ${seed.name} is new and needs a upn`);
  if (password === undefined) throw new SeedError(`user ${seed.name} is new and needs a password`);
  return {
    kind: 'User',
    ...identityOf(seed, known),
    upn,
    password,
    ...lifetimeOf(seed, known),
    ...disabledOf(seed, known),
  };
}

/** @param members object ids, which are added to those it has */
export function groupEntry(seed: GroupSeed, known: GroupEntry | undefined, members: readonly string[]): GroupEntry {
  return {
    kind: 'Group',
    ...identityOf(seed, known),
    members: [...new Set([...(known?.members ?? []), ...members])],
  };
}

interface Named {
  readonly name: string;
  readonly objectId?: string | undefined;
  readonly clientId?: string | undefined;
}

function identityOf(seed: Named, known: DirectoryEntry | undefined) {
  return { name: known?.name ?? seed.name, objectId: fixed(seed, known, 'objectId') };
}

/** Ids stay what they are: tokens and role assignments hold on to them. */
function fixed(seed: Named, known: Named | undefined, field: 'objectId' | 'clientId'): string {
  const [wanted, has] = [seed[field], known?.[field]];
  if (wanted !== undefined && has !== undefined && wanted !== has) {
    throw new SeedError(`${seed.name} already has the ${field} ${has}; the seed says ${wanted}`);
  }
  return has ?? wanted ?? randomUUID();
}

function lifetimeOf(seed: { tokenLifetime?: number | undefined }, known: { tokenLifetimeS?: number } | undefined) {
  const tokenLifetimeS = seed.tokenLifetime ?? known?.tokenLifetimeS;
  return tokenLifetimeS === undefined ? {} : { tokenLifetimeS };
}

function disabledOf(seed: { disabled?: boolean | undefined }, known: { disabled?: boolean } | undefined) {
  const disabled = seed.disabled ?? known?.disabled ?? false;
  return disabled ? { disabled } : {};
}

function withSecrets(
  known: readonly Secret[],
  wanted: readonly { value: string; expires?: number | undefined }[],
): Secret[] {
  const secrets = new Map(known.map((secret) => [secret.value, secret]));
  for (const { value, expires } of wanted) {
    const keyId = secrets.get(value)?.keyId ?? randomUUID();
    const expiresS = expires ?? secrets.get(value)?.expiresS;
    secrets.set(value, { keyId, value, ...(expiresS === undefined ? {} : { expiresS }) });
  }
  return [...secrets.values()];
}

function withCertificates(
  known: readonly RegisteredCertificate[],
  wanted: NonNullable<ServicePrincipalSeed['certificates']>,
  owner: string,
): RegisteredCertificate[] {
  const certificates = new Map(known.map((certificate) => [certificate.thumbprint, certificate]));
  for (const { pem, thumbprint } of wanted) {
    const certificate = pem === undefined ? { thumbprint: thumbprint ?? '' } : certificateOf(pem, owner);
    certificates.set(certificate.thumbprint, certificate);
  }
  return [...certificates.values()];
}

function certificateOf(pem: string, owner: string): RegisteredCertificate {
  try {
    const certificate = new X509Certificate(pem);
    return { thumbprint: fingerprint(certificate, 'sha1'), pem: certificate.toString() };
  } catch (cause) {
    throw new SeedError(`a certificate of ${owner} is no X.509 certificate in PEM`, { cause });
  }
}

function withFederated(
  known: readonly FederatedCredential[],
  wanted: NonNullable<ServicePrincipalSeed['federatedCredentials']>,
  owner: string,
): FederatedCredential[] {
  const id = ({ issuer, subject }: { issuer: string; subject: string }) => `${issuer} ${subject}`;
  const credentials = new Map(known.map((credential) => [id(credential), credential]));
  for (const { issuer, subject, audiences, jwks, publicKey } of wanted) {
    const keys = publicKey === undefined ? jwks?.keys : [jwkOf(publicKey, owner)];
    credentials.set(id({ issuer, subject }), { issuer, subject, audiences, ...(keys === undefined ? {} : { keys }) });
  }
  return [...credentials.values()];
}

function jwkOf(publicKey: string, owner: string): Record<string, unknown> {
  try {
    return { ...createPublicKey(publicKey).export({ format: 'jwk' }) };
  } catch (cause) {
    throw new SeedError(`the publicKey of a federated credential of ${owner} is no public key in PEM`, { cause });
  }
}
