import * as tls from 'node:tls';
import type { ClientSecretCredentialOptions, TokenCredential } from '@azure/identity';
import type { Authority } from './challenge.ts';
import type { Credential } from './credential.ts';
import { managedIdentityToken } from './managed-identity.ts';
import type { AccessToken } from './token-source.ts';
import { aadstsOf, type Trace, traced } from './trace.ts';

// Types of @azure/core-client, which @azure/identity does not export by name.
type AdditionalPolicyConfig = NonNullable<ClientSecretCredentialOptions['additionalPolicies']>[number];
type PipelinePolicy = AdditionalPolicyConfig['policy'];

function tracing(trace: Trace): PipelinePolicy {
  return {
    name: 'trace',
    async sendRequest(request, next) {
      const answer = await traced(trace, request, () => next(request));
      trace.aadsts = answer.status < 400 ? undefined : aadstsOf(answer.bodyAsText ?? '');
      return answer;
    },
  };
}

/** The authorities that Node trusts; before Node 22 it has no way to say so but its own list. */
function rootsOfNode(): readonly string[] {
  return tls.getCACertificates?.('default') ?? tls.rootCertificates;
}

/** Whatever NODE_TLS_REJECT_UNAUTHORIZED says: the authority is given secrets. */
const VERIFIED = { rejectUnauthorized: true };

/** `caPem` is trusted when the authority is not one of Azure's: who vouches for the HSM does not vouch for Microsoft. */
function optionsFor({ host, wellKnown }: Authority, caPem: string | undefined, trace: Trace) {
  const additionalPolicies: AdditionalPolicyConfig[] = [{ policy: tracing(trace), position: 'perRetry' }];
  const ownRoots = !wellKnown && caPem !== undefined;
  return {
    authorityHost: host,
    disableInstanceDiscovery: !wellKnown,
    retryOptions: { maxRetries: 1 },
    additionalPolicies,
    tlsOptions: { ...VERIFIED, ...(ownRoots ? { ca: [...rootsOfNode(), caPem] } : {}) },
  };
}

/** The credential of @azure/identity for it, loaded on first use because it takes long; a new one keeps no old token. */
async function tokenCredential(
  credential: Exclude<Credential, { kind: 'managed' | 'given' }>,
  authority: Authority,
  options: ReturnType<typeof optionsFor>,
): Promise<TokenCredential> {
  const identity = await import('@azure/identity');
  const tenantId = credential.tenantId ?? authority.tenantId;
  const { clientId } = credential;
  switch (credential.kind) {
    case 'secret':
      return new identity.ClientSecretCredential(tenantId, clientId, credential.clientSecret, options);
    case 'certificate':
      return new identity.ClientCertificateCredential(tenantId, clientId, { certificate: credential.pem }, options);
    case 'workload': {
      const { tokenFile: tokenFilePath } = credential;
      return new identity.WorkloadIdentityCredential({ tenantId, clientId, tokenFilePath, ...options });
    }
  }
}

/** Asks for a token. What it rejects with may hold the secret: not to be shown, nor kept. */
export async function fetchToken(
  credential: Credential,
  authority: Authority,
  caPem: string | undefined,
  trace: Trace,
): Promise<AccessToken> {
  if (credential.kind === 'managed') return managedIdentityToken(credential, authority.resource, trace);
  const source =
    credential.kind === 'given'
      ? credential.source
      : await tokenCredential(credential, authority, optionsFor(authority, caPem, trace));
  const token = await source.getToken(`${authority.resource}/.default`);
  if (token === null) throw new Error('no token came');
  return token;
}
