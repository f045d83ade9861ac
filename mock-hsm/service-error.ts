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

export const jobNotFound = (kind: string, id: string) =>
  new ServiceError(404, 'JobNotFound', `There is no ${kind} job ${id.slice(0, 40)}`);

export const settingNotFound = (name: string) =>
  new ServiceError(404, 'SettingNotFound', `There is no setting ${name.slice(0, 80)}`);

export const nothingTransferred = (transfer: string) =>
  new ServiceError(404, 'NotFound', `No ${transfer} of the security domain was started`);

export const backupTooOld = (minutes: number) =>
  new ServiceError(409, 'Conflict', `A full restore needs a full backup taken within the last ${minutes} minutes`);

export const keyNotInBackup = (name: string, folder: string) =>
  new ServiceError(404, 'KeyNotFound', `Key not found in backup ${folder}: ${name}`);

export const keyNotFound = (name: string, version?: string) =>
  new ServiceError(404, 'KeyNotFound', `Key not found: ${version === undefined ? name : `${name}/${version}`}`);

export const deletedKeyNotFound = (name: string) =>
  new ServiceError(404, 'KeyNotFound', `Deleted key not found: ${name}`);

export const conflict = (message: string, inner?: string) => new ServiceError(409, 'Conflict', message, inner);

export const limitExceeded = (message: string) => new ServiceError(400, 'LimitExceeded', message);

export const immutableReleasePolicy = () => badParameter('The release policy is immutable and cannot be changed');
