// Refusals of the token endpoint, in Entra ID's numbers and words.
import { randomUUID } from 'node:crypto';

/** An OAuth error with its AADSTS number. */
export class TokenError extends Error {
  readonly status: number;
  readonly error: string;
  readonly number: number;

  constructor(status: number, error: string, number: number, message: string) {
    super(message);
    this.name = 'TokenError';
    this.status = status;
    this.error = error;
    this.number = number;
  }
}

const refusal = (error: string, number: number, message: string) => new TokenError(400, error, number, message);

const badClient = (number: number, message: string) => new TokenError(401, 'invalid_client', number, message);

export const unknownTenant = (tenant: string) =>
  refusal(
    'invalid_request',
    90002,
    `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  );

export const noTenant = () =>
  refusal(
    'invalid_request',
    50059,
    'No tenant-identifying information found in either the request or implied by any provided credentials.',
  );

export const unknownInstance = (url: string) =>
  refusal('invalid_instance', 50049, `Unknown or invalid instance '${url}'.`);

export const missingParameter = (name: string) =>
  refusal('invalid_request', 900144, `The request body must contain the following parameter: '${name}'.`);

export const unsupportedGrant = (grant: string) =>
  refusal('unsupported_grant_type', 70003, `The app requested an unsupported grant type '${grant}'.`);

export const unknownClient = (clientId: string, tenant: string) =>
  refusal(
    'unauthorized_client',
    700016,
    `Application with identifier '${clientId}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
  );

export const disabledClient = (clientId: string, name: string) =>
  refusal('unauthorized_client', 7000112, `Application '${clientId}'(${name}) is disabled.`);

export const noClientProof = () =>
  badClient(
    7000216,
    "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
  );

export const wrongSecret = (clientId: string) =>
  badClient(
    7000215,
    `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
  );

export const expiredSecret = (clientId: string) =>
  badClient(
    7000222,
    `The provided client secret keys for app '${clientId}' are expired. Create new keys for your app, or consider using certificate credentials for added security.`,
  );

export const malformedAssertion = () => refusal('invalid_request', 50027, 'JWT token is invalid or malformed.');

export const assertionOfOther = () =>
  badClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter.");

export const assertionAudience = () =>
  badClient(700023, 'Client assertion audience claim does not match Realm issuer.');

export const assertionTime = (now: Date, from: Date | undefined, until: Date) =>
  badClient(
    700024,
    `Client assertion is not within its valid time range. Current time: ${now.toISOString()}, assertion valid from ${from?.toISOString() ?? 'the beginning'}, expiry time of assertion ${until.toISOString()}.`,
  );

/** @param reason as in `The key was not found.` @param thumbprint of the key that the client says it used */
export const assertionKey = (reason: string, thumbprint: string) =>
  badClient(
    700027,
    `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - ${reason}, Thumbprint of key used by client: '${thumbprint}']`,
  );

/** @param number 700211 issuer, 700212 audience, 700213 subject */
export const noFederatedCredential = (number: 700211 | 700212 | 700213, what: string, value: string) =>
  badClient(
    number,
    `No matching federated identity record found for presented assertion ${what} '${value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion.`,
  );

export const federatedSignature = () =>
  badClient(50013, 'Assertion failed signature validation. [Reason - The key was not found.]');

export const unknownUser = (tenant: string) =>
  refusal(
    'invalid_grant',
    50034,
    `The user account {EmailHidden} does not exist in the ${tenant} directory. To sign into this application, the account must be added to the directory.`,
  );

export const wrongPassword = () =>
  refusal('invalid_grant', 50126, 'Error validating credentials due to invalid username or password.');

export const disabledUser = () => refusal('invalid_grant', 50057, 'The user account is disabled.');

export const badGrant = () => refusal('invalid_grant', 70000, 'Provided grant is invalid or malformed.');

export const expiredGrant = () => refusal('invalid_grant', 700082, 'The refresh token has expired due to inactivity.');

export const authorizationPending = () =>
  refusal('authorization_pending', 70016, 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.');

export const authorizationDeclined = () =>
  refusal('authorization_declined', 70017, 'OAuth 2.0 device flow error. The user declined the authorization.');

export const badDeviceCode = () =>
  refusal(
    'bad_verification_code',
    70018,
    "Invalid verification code. The provided value for the input parameter 'device_code' is not valid.",
  );

export const expiredDeviceCode = () =>
  refusal(
    'expired_token',
    70020,
    "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
  );

export const invalidScope = (scope: string) =>
  refusal(
    'invalid_scope',
    1002012,
    `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  );

export const invalidUserScope = (scope: string) =>
  refusal(
    'invalid_scope',
    70011,
    `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope '${scope}' does not exist.`,
  );

export const severalResources = (scope: string) =>
  refusal(
    'invalid_request',
    28000,
    `Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ${scope} is not valid.`,
  );

export const unknownResource = (resource: string, tenant: string) =>
  refusal(
    'invalid_resource',
    500011,
    `The resource principal named ${resource} was not found in the tenant named ${tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
  );

/** The body of a refusal. @param correlationId the caller's own `client-request-id`, if it sent one */
export function tokenErrorBody({ error, number, message }: TokenError, now: Date, correlationId?: string) {
  const [traceId, correlation] = [randomUUID(), correlationId ?? randomUUID()];
  const timestamp = `${now.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const trail = `Trace ID: ${traceId} Correlation ID: ${correlation} Timestamp: ${timestamp}`;
  return {
    error,
    error_description: `AADSTS${number}: ${message} ${trail}`,
    error_codes: [number],
    timestamp,
    trace_id: traceId,
    correlation_id: correlation,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
  };
}
