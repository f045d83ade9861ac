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

export const keyNotFound = (name: string, version?: string) =>
  new ServiceError(404, 'KeyNotFound', `Key not found: ${version === undefined ? name : `${name}/${version}`}`);

export const deletedKeyNotFound = (name: string) =>
  new ServiceError(404, 'KeyNotFound', `Deleted key not found: ${name}`);

export const conflict = (message: string, inner?: string) => new ServiceError(409, 'Conflict', message, inner);

export const limitExceeded = (message: string) => new ServiceError(400, 'LimitExceeded', message);
