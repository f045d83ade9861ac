import { readFileSync } from 'node:fs';
import type { Configuration, TokenConfiguration } from '../config/configuration.ts';
import { ConfigurationError } from '../config/parse.ts';
import { MAX_PIN_BYTES } from '../core/hsm.ts';
import { CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';

/** What `@azure/identity` calls a TokenCredential, as far as it is used here. */
export interface TokenSourceGiven {
  getToken(scope: string): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

/** How an identity proves itself. `tenantId` where it belongs to another tenant than the HSM's challenge names. */
export type Credential =
  | {
      readonly kind: 'secret';
      readonly origin: 'pin' | 'configuration';
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
  | {
      readonly kind: 'workload';
      readonly clientId: string;
      /** Read for each token: whoever writes it renews it. */
      readonly tokenFile: string;
      readonly tenantId?: string | undefined;
    }
  | { readonly kind: 'given'; readonly source: TokenSourceGiven }
  | {
      readonly kind: 'managed';
      /** Of a user-assigned identity. */
      readonly clientId: string | undefined;
      /** Origin of the metadata service, when it is not where Azure has it. */
      readonly imdsEndpoint: string | undefined;
    };

/** A name for messages; never holds a secret. */
export function nameOf(credential: Credential): string {
  if (credential.kind === 'given') return 'the TokenCredential of the caller';
  if (credential.kind === 'workload') return `workload identity ${credential.clientId}`;
  if (credential.kind !== 'managed') return `client ${credential.clientId}`;
  return credential.clientId === undefined
    ? 'the system-assigned managed identity'
    : `managed identity ${credential.clientId}`;
}

const FORM = 'give the application (client) id of the service principal, a colon and its client secret as the PIN';
/** What is left of a PIN by libp11 when it is in a URI, and by pkcs11-provider when it is in a file. */
const CUT = /^[\da-f-]{31,32}$/i;
const CUT_HINT =
  'it was cut: libp11 cuts a PIN in a URI, pkcs11-provider one in a file; write it into openssl.cnf itself';

/**
 * The service principal in a PIN: `client-id:client-secret`, UTF-8; a newline at its end is not part of it. Throws
 * CKR_PIN_INCORRECT, without the PIN.
 */
export function credentialOfPin(pin: Uint8Array): Credential & { kind: 'secret' } {
  if (pin.length > MAX_PIN_BYTES) {
    const message = `the PIN has ${pin.length} bytes, ${MAX_PIN_BYTES} are the most`;
    throw new Pkcs11Error(CKR_PIN_INCORRECT, message, { hint: FORM });
  }
  const text = Buffer.from(pin)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  const colon = text.indexOf(':');
  if (colon <= 0 || colon === text.length - 1) {
    throw new Pkcs11Error(CKR_PIN_INCORRECT, 'the PIN is not client-id:client-secret', {
      hint: CUT.test(text) ? CUT_HINT : FORM,
    });
  }
  return { kind: 'secret', origin: 'pin', clientId: text.slice(0, colon), clientSecret: text.slice(colon + 1) };
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

type Environment = Readonly<Record<string, string | undefined>>;
type Named = NonNullable<TokenConfiguration['credential']>;

/** The identity of a Kubernetes pod: what the configuration leaves open stands in the environment of the agent. */
function workloadCredential(named: Partial<Named>, environment: Environment): Credential | undefined {
  const clientId = named.clientId || environment.AZURE_CLIENT_ID;
  const tenantId = named.tenantId || environment.AZURE_TENANT_ID || undefined;
  const tokenFile = named.federatedTokenFile || environment.AZURE_FEDERATED_TOKEN_FILE;
  return clientId && tokenFile ? { kind: 'workload', clientId, tenantId, tokenFile } : undefined;
}

/** In a pod with a workload identity that is the managed one, as for Azure's SDKs: the node's own is nobody's there. */
function managedCredential(
  clientId: string,
  { imdsEndpoint }: Configuration['msi'],
  environment: Environment,
): Credential {
  const workload = workloadCredential({ clientId }, environment);
  return workload ?? { kind: 'managed', clientId: clientId || undefined, imdsEndpoint };
}

function namedCredential(named: Named, path: string, msi: Configuration['msi'], environment: Environment): Credential {
  const { clientId = '', clientSecret, certificatePath, tenantId } = named;
  if (named.managedIdentity) return managedCredential(clientId, msi, environment);
  if (clientSecret) return { kind: 'secret', origin: 'configuration', clientId, clientSecret, tenantId };
  if (certificatePath) {
    const pem = readPem(certificatePath, `${path}.credential.certificatePath`);
    return { kind: 'certificate', clientId, pem, tenantId };
  }
  const workload = workloadCredential(named, environment);
  if (workload !== undefined) return workload;
  throw new ConfigurationError(
    `${path}.credential has workloadIdentity, but nothing says which: AZURE_CLIENT_ID or AZURE_FEDERATED_TOKEN_FILE is not set`,
    'set both for the program that loads the module, or clientId and federatedTokenFile of the credential',
  );
}

/**
 * The identity of the slot itself, if it has one: its own `credential`, else managed identity for all slots
 * (`msi.identityMSI`), else none, and the PIN decides. Throws ConfigurationError when its certificate cannot be read or
 * nothing says which workload identity is meant.
 */
export function ownCredential(
  { credential, path }: TokenConfiguration,
  { msi }: Configuration,
  environment: Environment = process.env,
): Credential | undefined {
  if (credential !== undefined) return namedCredential(credential, path, msi, environment);
  return msi.identityMSI ? managedCredential(msi.MSIClientID, msi, environment) : undefined;
}
