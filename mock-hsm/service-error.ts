// Every refusal of the service, with its status and code. One place, so that the table of codes can be read.

/** An answer other than success. `inner` becomes `innererror.code`. The edge adds the activity id to the message. */
export class ServiceError extends Error {
  readonly status: number;
  readonly code: string;
  readonly inner: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, inner?: string, headers: Record<string, string> = {}) {
    super(message);
    this.name = 'ServiceError';
    this.status = status;
    this.code = code;
    this.inner = inner;
    this.headers = headers;
  }
}

/** A 404 whose message ends with the URL of what is missing; the edge knows the host that the caller named. */
export class MissingResource extends ServiceError {
  readonly #path: string;

  constructor(code: string, message: string, path: string) {
    super(404, code, `${message}${path}`);
    this.#path = path;
  }

  /** @param origin `https://` and the authority of the request */
  messageAt(origin: string): string {
    return `${this.message.slice(0, -this.#path.length)}${origin}${this.#path}`;
  }
}

export const badParameter = (message: string) => new ServiceError(400, 'BadParameter', message);

export const invalidKeyIdentifier = () => new ServiceError(400, 'Invalidkeyidentifier', 'Invalid key identifier');

export const accessDenied = (dataAction: string, scope: string) =>
  new ServiceError(403, 'AccessDenied', `Not authorized to access ${dataAction} on ${scope}`);

export const forbidden = (inner: string, message: string) => new ServiceError(403, 'Forbidden', message, inner);

export const attestationNotVerified = () =>
  new ServiceError(403, 'Forbidden', 'Target environment attestation statement cannot be verified.');

export const releasePolicyNotMet = () =>
  new ServiceError(403, 'Forbidden', 'Target environment attestation does not meet key release policy requirements.');

export const notActivated = () =>
  forbidden('NotActivated', 'The managed HSM is not activated: its security domain was not downloaded yet');

export const operationInProgress = (kind: string) =>
  new ServiceError(409, 'Conflict', `A ${kind} is in progress; only one backup or restore can run at a time`);

/** Of the part of the service that makes backups: its errors name no activity, and have an empty innererror. */
export class JobNotFound extends ServiceError {
  constructor() {
    super(404, 'NotFound', 'The given jobId is not found');
  }
}

export const invalidSetting = () =>
  new ServiceError(
    400,
    'InvalidSetting',
    'Invalid setting name. Please check the spelling of the setting name to update.',
  );

export const noContent = () => new ServiceError(400, 'Nocontentprovided', 'No content provided');

export const malformedBackupBlob = () =>
  new ServiceError(
    400,
    'MalformedBackupBlob',
    'Backup blob belongs to a different crypto domain and cannot be used with this instance.',
  );

export const nothingTransferred = (transfer: string) =>
  new ServiceError(404, 'NotFound', `No ${transfer} of the security domain was started`);

export const backupTooOld = (minutes: number) =>
  new ServiceError(409, 'Conflict', `A full restore needs a full backup taken within the last ${minutes} minutes`);

const missingKey = 'Key not found: ';

export const keyNotFound = (name: string, version?: string) =>
  new MissingResource('KeyNotFound', missingKey, `/keys/${version === undefined ? name : `${name}/${version}`}`);

/** Pools say it twice there. */
export const keyToRotateNotFound = (name: string) =>
  new MissingResource('KeyNotFound', missingKey.repeat(2), `/keys/${name}`);

export const deletedKeyNotFound = (name: string) =>
  new MissingResource('KeyNotFound', missingKey, `/deletedkeys/${name}`);

export const conflict = (message: string, inner?: string) => new ServiceError(409, 'Conflict', message, inner);

export const limitExceeded = (message: string) => new ServiceError(400, 'LimitExceeded', message);

export const immutableReleasePolicy = () => badParameter('The release policy is immutable and cannot be changed');
