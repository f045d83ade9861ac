// How an application proves that it is the one it says: secret, certificate, or the token of an issuer it trusts.
import { decodeJwt } from 'jose';
import type { Clock } from '../clock.ts';
import { verifyCertificateAssertion } from './certificate-assertion.ts';
import type { Grant } from './claims.ts';
import type { Directory } from './directory.ts';
import type { ManagedIdentityEntry, ServicePrincipalEntry } from './directory-model.ts';
import { verifyFederatedAssertion } from './federated-assertion.ts';
import { isSameSecret } from './same-secret.ts';
import {
  assertionOfOther,
  disabledClient,
  expiredSecret,
  malformedAssertion,
  missingParameter,
  noClientProof,
  unknownClient,
  wrongSecret,
} from './token-error.ts';
import { basicCredentials, clientIdOf, required, type TokenRequest } from './token-request.ts';

export interface AuthenticationParts {
  readonly directory: Directory;
  readonly clock: Clock;
  readonly tenantId: string;
  /** This tenant's public keys: its own tokens can be the federated ones. */
  readonly ownKeys: readonly Readonly<Record<string, unknown>>[];
  /** Whether this is a name of the mock or of Entra ID. */
  readonly isOwnHost: (host: string) => boolean;
}

type Application = ServicePrincipalEntry | ManagedIdentityEntry;

export interface AuthenticatedClient {
  readonly application: Application;
  readonly proof: Grant['proof'];
}

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** Demands a secret or an assertion. Throws the TokenError that Entra ID would answer. */
export async function authenticateClient(
  request: TokenRequest,
  parts: AuthenticationParts,
): Promise<AuthenticatedClient> {
  const { form } = request;
  const assertion = form.get('client_assertion');
  if (assertion !== null) return byAssertion(assertion, request, parts);
  const basic = form.has('client_secret') ? undefined : basicCredentials(request.authorization);
  const clientId = form.has('client_secret') || basic === undefined ? required(form, 'client_id') : basic.id;
  const secret = form.get('client_secret') ?? basic?.secret ?? '';
  const application = applicationOf(clientId, request.tenant, parts.directory);
  if (secret === '') throw noClientProof();
  assertSecret(application, secret, parts.clock.nowS());
  return { application, proof: '1' };
}

/** The application of a request that may go without a proof; a proof that is given must hold all the same. */
export async function identifyClient(request: TokenRequest, parts: AuthenticationParts): Promise<Grant['proof']> {
  const { form, authorization } = request;
  const proves = form.has('client_secret') || form.has('client_assertion') || basicCredentials(authorization);
  if (proves) return (await authenticateClient(request, parts)).proof;
  const clientId = clientIdOf(request);
  if (!firstParty.has(clientId.toLowerCase())) applicationOf(clientId, request.tenant, parts.directory);
  return '0';
}

/** Public clients of Microsoft that every tenant knows. */
const firstParty: ReadonlySet<string> = new Set([
  // Azure CLI, and the libraries for developers.
  '04b07795-8ddb-461a-bbee-02f9e1bf7b46',
  // Azure PowerShell.
  '1950a258-227b-4e31-a9cf-717495945fc2',
  // Visual Studio Code.
  'aebc6443-996d-45c2-90f0-388ff96faa56',
]);

function applicationOf(clientId: string, tenant: string, directory: Directory): Application {
  const application = directory.byClientId(clientId);
  if (application === undefined) throw unknownClient(clientId, tenant);
  if (application.kind === 'ServicePrincipal' && application.disabled === true) {
    throw disabledClient(clientId, application.name);
  }
  return application;
}

function assertSecret(application: Application, given: string, nowS: number): void {
  const secrets = application.kind === 'ServicePrincipal' ? application.secrets : [];
  const secret = secrets.find(({ value }) => isSameSecret(given, value));
  if (secret === undefined) throw wrongSecret(application.clientId);
  if (secret.expiresS !== undefined && secret.expiresS <= nowS) throw expiredSecret(application.clientId);
}

async function byAssertion(
  assertion: string,
  request: TokenRequest,
  parts: AuthenticationParts,
): Promise<AuthenticatedClient> {
  const { form, tenant } = request;
  if (form.get('client_assertion_type') !== jwtBearer) throw missingParameter('client_assertion_type');
  const claims = claimsOf(assertion);
  const clientId = form.get('client_id') ?? String(claims.sub);
  const application = applicationOf(clientId, tenant, parts.directory);
  // Whoever signs for itself is its own issuer; every other issuer is one that the application trusts.
  if (claims.iss?.toLowerCase() === application.clientId) {
    if (claims.sub?.toLowerCase() !== application.clientId) throw assertionOfOther();
    const certificates = application.kind === 'ServicePrincipal' ? application.certificates : [];
    await verifyCertificateAssertion(assertion, certificates, { ...parts, tenant });
  } else {
    await verifyFederatedAssertion(assertion, application, parts);
  }
  return { application, proof: '2' };
}

function claimsOf(assertion: string) {
  try {
    return decodeJwt(assertion);
  } catch {
    throw malformedAssertion();
  }
}
