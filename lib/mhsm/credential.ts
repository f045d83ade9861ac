import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';
import type { ClientSecretCredentialOptions, TokenCredential } from '@azure/identity';
import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import { ConfigurationError } from '../config/parse.ts';
import { CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type { Authority } from './challenge.ts';
import type { HttpLog } from './http-exchange.ts';

// Types of @azure/core-client, which @azure/identity does not export by name.
type AdditionalPolicyConfig = NonNullable<ClientSecretCredentialOptions['additionalPolicies']>[number];
type PipelinePolicy = AdditionalPolicyConfig['policy'];

/** How an identity proves itself. `tenantId` where it belongs to another tenant than the HSM's challenge names. */
export type Credential =
  | {
      readonly kind: 'secret';
      readonly clientId: string;
      readonly clientSecret: string;
      readonly tenantId?: string | undefined;
    }
  | {
      readonly kind: 'certificate';
      readonly clientId: string;
      /** Certificate and private key. */
      readonly pem: string;
      readonly tenantId?: string | undefined;
    }
  | { readonly kind: 'managed'; readonly clientId: string | undefined };

/** A name for messages; never holds a secret. */
export function nameOf(credential: Credential): string {
  if (credential.kind !== 'managed') return `client ${credential.clientId}`;
  return credential.clientId === undefined
    ? 'the system-assigned managed identity'
    : `managed identity ${credential.clientId}`;
}

/**
 * The service principal in a PIN: `client-id:client-secret`, UTF-8; a newline at its end is not part of it. Throws
 * CKR_PIN_INCORRECT, without the PIN.
 */
export function credentialOfPin(pin: Uint8Array): Credential & { kind: 'secret' } {
  const text = Buffer.from(pin)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  const colon = text.indexOf(':');
  if (colon <= 0 || colon === text.length - 1) {
    throw new Pkcs11Error(CKR_PIN_INCORRECT, 'the PIN is not client-id:client-secret', {
      hint: 'give the application (client) id of the service principal, a colon and its client secret as the PIN',
    });
  }
  return { kind: 'secret', clientId: text.slice(0, colon), clientSecret: text.slice(colon + 1) };
}

/** Text of a PEM file of the configuration. Throws ConfigurationError when it cannot be read. */
export function readPem(file: string, key: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint = `correct ${key}, or let this user read the file`;
    throw new ConfigurationError(`cannot read ${key} ${file}: ${code ?? message}`, hint, error);
  }
}

/** The identity of the slot itself, if it has one. Throws ConfigurationError when its certificate cannot be read. */
export function ownCredential(
  { credential, path }: TokenConfiguration,
  { msi }: Configuration,
): Credential | undefined {
  if (msi.identityMSI) return { kind: 'managed', clientId: msi.MSIClientID || undefined };
  if (credential === undefined) return undefined;
  const { clientId, clientSecret, certificatePath, tenantId } = credential;
  if (clientSecret !== undefined) return { kind: 'secret', clientId, clientSecret, tenantId };
  const pem = readPem(certificatePath ?? '', `${path}.credential.certificatePath`);
  return { kind: 'certificate', clientId, pem, tenantId };
}

/** What happened on the way to the authority: the error of the token library says only that something did. */
export interface Trace {
  /** The network's error of the last request. */
  problem?: unknown;
  /** HTTP status of the last answer. */
  status?: number;
  /** Takes the requests to the authority, without what they carry. */
  readonly http?: HttpLog | undefined;
}

/** The code of a network's error: its message may hold the request. */
function wordsOfNetwork(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code ?? 'failed');
}

/** A request to the authority for the log: it carries the credential and its answer the token, so neither is shown. */
function told(trace: Trace, method: string, address: string, beginMs: number, outcome: number | Error): void {
  const { origin, pathname } = new URL(address);
  trace.http?.({
    method,
    url: `${origin}${pathname}`,
    requestHeaders: {},
    requestBody: undefined,
    microseconds: Math.round((performance.now() - beginMs) * 1000),
    outcome: typeof outcome === 'number' ? { status: outcome, headers: {}, body: undefined } : outcome,
  });
}

function tracing(trace: Trace): PipelinePolicy {
  return {
    name: 'trace',
    async sendRequest(request, next) {
      const beginMs = performance.now();
      try {
        const response = await next(request);
        trace.status = response.status;
        told(trace, request.method, request.url, beginMs, response.status);
        return response;
      } catch (error) {
        trace.problem = error;
        told(trace, request.method, request.url, beginMs, new Error(wordsOfNetwork(error)));
        throw error;
      }
    },
  };
}

/**
 * The credential of @azure/identity for it, loaded on first use because it takes long. `caPem` is trusted beside the
 * public roots when the authority is not one of Azure's: who vouches for the HSM does not vouch for Microsoft.
 */
export async function tokenCredential(
  credential: Credential,
  authority: Authority,
  caPem: string | undefined,
  trace: Trace,
): Promise<TokenCredential> {
  const identity = await import('@azure/identity');
  const additionalPolicies: AdditionalPolicyConfig[] = [{ policy: tracing(trace), position: 'perRetry' }];
  if (credential.kind === 'managed') {
    const { clientId } = credential;
    return new identity.ManagedIdentityCredential({
      additionalPolicies,
      ...(clientId === undefined ? {} : { clientId }),
    });
  }
  const ownRoots = !authority.wellKnown && caPem !== undefined;
  const options = {
    authorityHost: authority.host,
    disableInstanceDiscovery: !authority.wellKnown,
    retryOptions: { maxRetries: 1 },
    additionalPolicies,
    ...(ownRoots ? { tlsOptions: { ca: [...getCACertificates('default'), caPem] } } : {}),
  };
  const tenantId = credential.tenantId ?? authority.tenantId;
  const { clientId } = credential;
  if (credential.kind === 'certificate') {
    return new identity.ClientCertificateCredential(tenantId, clientId, { certificate: credential.pem }, options);
  }
  return new identity.ClientSecretCredential(tenantId, clientId, credential.clientSecret, options);
}
