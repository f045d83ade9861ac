/** What `@azure/identity` calls a TokenCredential; any object with this method will do. */
export interface TokenCredential {
  /** A token for the HSM's scope, or null. */
  getToken(scopes: string | string[]): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

/**
 * Who uses the HSM:
 *
 * - a PIN, `client-id:client-secret`, or the two of them apart: a service principal;
 * - `{ managedIdentity: true }`, or the client id of a user-assigned one;
 * - a TokenCredential of `@azure/identity`: whatever it can do;
 * - nothing: the `credential` or the `msi` section of the configuration.
 */
export type Credentials =
  | { readonly pin: string }
  | { readonly clientId: string; readonly clientSecret: string }
  | { readonly managedIdentity: true | string }
  | TokenCredential;

/** What credentials mean for the configuration, the HSM client and the login. */
export interface Login {
  /** Null: the slot has an identity of its own. */
  readonly pin: Uint8Array | null;
  readonly managed: true | string | undefined;
  readonly tokenCredential: TokenCredential | undefined;
}

export function loginOf(credentials: Credentials): Login {
  const login = { pin: null, managed: undefined, tokenCredential: undefined };
  if ('getToken' in credentials) return { ...login, tokenCredential: credentials };
  if ('managedIdentity' in credentials) return { ...login, managed: credentials.managedIdentity };
  const pin = 'pin' in credentials ? credentials.pin : `${credentials.clientId}:${credentials.clientSecret}`;
  return { ...login, pin: Buffer.from(pin, 'utf8') };
}
