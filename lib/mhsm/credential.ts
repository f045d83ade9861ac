import { rootCertificates } from 'node:tls';
import type { TokenCredential } from '@azure/identity';
import { CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type { Authority } from './challenge.ts';

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
      readonly certificatePath: string;
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
export function credentialOfPin(pin: Uint8Array): Credential {
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

/**
 * The credential of @azure/identity for it, loaded on first use because it takes long. `caPem` is trusted beside the
 * public roots when the authority is not one of Azure's.
 */
export async function tokenCredential(
  credential: Credential,
  authority: Authority,
  caPem: string | undefined,
): Promise<TokenCredential> {
  const identity = await import('@azure/identity');
  if (credential.kind === 'managed') {
    return credential.clientId === undefined
      ? new identity.ManagedIdentityCredential()
      : new identity.ManagedIdentityCredential({ clientId: credential.clientId });
  }
  const options = {
    authorityHost: authority.host,
    disableInstanceDiscovery: !authority.wellKnown,
    retryOptions: { maxRetries: 1 },
    ...(authority.wellKnown || caPem === undefined ? {} : { tlsOptions: { ca: [...rootCertificates, caPem] } }),
  };
  const tenantId = credential.tenantId ?? authority.tenantId;
  if (credential.kind === 'certificate') {
    const certificate = { certificatePath: credential.certificatePath };
    return new identity.ClientCertificateCredential(tenantId, credential.clientId, certificate, options);
  }
  return new identity.ClientSecretCredential(tenantId, credential.clientId, credential.clientSecret, options);
}
