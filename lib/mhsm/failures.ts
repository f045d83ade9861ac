import {
  CKR_DATA_INVALID,
  CKR_DEVICE_ERROR,
  CKR_FUNCTION_FAILED,
  CKR_KEY_FUNCTION_NOT_PERMITTED,
  CKR_OBJECT_HANDLE_INVALID,
  CKR_PIN_INCORRECT,
} from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';

/** What was asked of the service, for messages and for the role that a refusal asks for. */
export interface Asked {
  readonly operation: 'list' | 'get' | 'sign' | 'create' | 'update' | 'delete' | 'random';
  readonly key?: string;
}

/** Who asked whom. */
export interface Parties {
  readonly url: string;
  /** Path of the token in the configuration: `tokens[0]`. */
  readonly configurationPath: string;
  readonly identity: string;
  /** Object id from the access token, when it has one. */
  readonly objectId: string | undefined;
}

interface ServiceError {
  code: string;
  innerCode: string;
  message: string;
}

const MAX_SERVICE_WORDS = 300;

function parseServiceError(body: string): ServiceError {
  try {
    const { error } = JSON.parse(body) as {
      error?: { code?: string; message?: string; innererror?: { code?: string } };
    };
    const message = (error?.message ?? '').replaceAll(/\s+/g, ' ').slice(0, MAX_SERVICE_WORDS);
    return { code: error?.code ?? '', innerCode: error?.innererror?.code ?? '', message };
  } catch {
    return { code: '', innerCode: '', message: '' };
  }
}

/** The role of Microsoft's guide that allows an operation, and where. */
const ROLES: Readonly<Record<Asked['operation'], { role: string; atKey?: true; scope: string }>> = {
  list: { role: 'TLS Library User Read Role', scope: '/keys' },
  get: { role: 'TLS Library User Read Role', scope: '/keys' },
  sign: { role: 'Managed HSM Crypto User', atKey: true, scope: '/keys' },
  create: { role: 'Managed HSM Crypto User', scope: '/keys' },
  update: { role: 'Managed HSM Crypto User', atKey: true, scope: '/keys' },
  delete: { role: 'Managed HSM Crypto User', atKey: true, scope: '/keys' },
  random: { role: 'Managed HSM Crypto User', scope: '/' },
};

function roleHint({ operation, key }: Asked, { url, objectId }: Parties): string {
  const { role, atKey, scope } = ROLES[operation];
  const hsmName = new URL(url).hostname.split('.')[0];
  const where = atKey && key !== undefined ? `/keys/${key}` : scope;
  const whom = objectId ?? '<object id>';
  return `az keyvault role assignment create --hsm-name ${hsmName} --role "${role}" --assignee-object-id ${whom} --assignee-principal-type ServicePrincipal --scope ${where}`;
}

interface Outcome {
  rv: number;
  /** Undefined: the calling program's business, not the operator's. */
  hint?: (asked: Asked, parties: Parties) => string;
}

const say = (text: string) => () => text;

/** Refusals by the service's own code (inner code first), whatever their status. */
const BY_CODE: Readonly<Record<string, Outcome>> = {
  AccessDenied: { rv: CKR_FUNCTION_FAILED, hint: roleHint },
  KeyDisabled: {
    rv: CKR_KEY_FUNCTION_NOT_PERMITTED,
    hint: ({ key }) => `enable it: az keyvault key set-attributes --name ${key} --enabled true`,
  },
  KeyExpired: {
    rv: CKR_KEY_FUNCTION_NOT_PERMITTED,
    hint: say('create a new key and certificate, or move its expiry date'),
  },
  KeyNotYetValid: { rv: CKR_KEY_FUNCTION_NOT_PERMITTED, hint: say('wait, or move its activation date') },
  KeyOperationForbidden: {
    rv: CKR_KEY_FUNCTION_NOT_PERMITTED,
    hint: say('allow the operation in the key_ops of the key'),
  },
  ObjectIsDeletedButRecoverable: {
    rv: CKR_FUNCTION_FAILED,
    hint: say('recover or purge the deleted key of that name, or choose another name'),
  },
};

const BY_STATUS: Readonly<Record<number, Outcome>> = {
  400: { rv: CKR_DATA_INVALID },
  401: {
    rv: CKR_DEVICE_ERROR,
    hint: say('the HSM does not accept tokens of this tenant or audience: check tenantId and baseUrl'),
  },
  403: { rv: CKR_FUNCTION_FAILED, hint: roleHint },
  404: {
    rv: CKR_OBJECT_HANDLE_INVALID,
    hint: say('the key was deleted or has another name: mhsm_p11_list_keys shows what is there'),
  },
  409: { rv: CKR_FUNCTION_FAILED, hint: say('the name is taken or being deleted: choose another one') },
  429: { rv: CKR_DEVICE_ERROR, hint: say('the HSM throttles requests: spread them') },
};

const BY_DEFAULT: Outcome = {
  rv: CKR_DEVICE_ERROR,
  hint: say("look at the HSM's health and the service's status page"),
};

/** The error for an answer that is not a success: CKR by the service's code, else by the status. */
export function failureOfAnswer(status: number, body: string, asked: Asked, parties: Parties): Pkcs11Error {
  const { code, innerCode, message } = parseServiceError(body);
  const outcome = BY_CODE[innerCode] ?? BY_CODE[code] ?? BY_STATUS[status] ?? BY_DEFAULT;
  const what = asked.key === undefined ? asked.operation : `${asked.operation} ${asked.key}`;
  const words = [innerCode || code, message].filter((word) => word !== '').join(': ');
  const text = `${parties.url} refused ${what} for ${parties.identity} with ${status}${words === '' ? '' : ` ${words}`}`;
  return new Pkcs11Error(outcome.rv, text, outcome.hint === undefined ? {} : { hint: outcome.hint(asked, parties) });
}

function innermost(error: unknown): NodeJS.ErrnoException {
  let inner = error as NodeJS.ErrnoException & { errors?: unknown[] };
  for (let depth = 0; depth < 8; depth++) {
    const next = inner.errors?.[0] ?? inner.cause;
    if (!(next instanceof Error)) break;
    inner = next;
  }
  return inner;
}

const CERTIFICATE_CODES = /CERT|SELF_SIGNED|VERIFY_LEAF|ALTNAME|ISSUER/;
const TIMEOUT_CODES = /TIMEOUT|ETIMEDOUT|ABORT/i;

/** What a failed connection or an answer that never came means. */
export function failureOfNetwork(error: unknown, url: string, configurationPath: string): Pkcs11Error {
  const { code = '', name, message } = innermost(error);
  const kind = code || name;
  if (CERTIFICATE_CODES.test(kind)) {
    return new Pkcs11Error(CKR_DEVICE_ERROR, `the certificate of ${url} is not trusted: ${kind}`, {
      hint: `set caFile of ${configurationPath} to the PEM file of the authority that issued it, and check the host name`,
      cause: error,
    });
  }
  if (TIMEOUT_CODES.test(kind)) {
    return new Pkcs11Error(CKR_DEVICE_ERROR, `${url} did not answer in time (${kind})`, {
      hint: 'check the network and the load of the HSM; timeouts.requestMs bounds the wait',
      cause: error,
    });
  }
  return new Pkcs11Error(
    CKR_DEVICE_ERROR,
    `cannot reach ${url}: ${kind}${message.includes(kind) ? '' : `: ${message}`}`,
    {
      hint: `check that it runs, DNS, firewall and the address in ${configurationPath}`,
      cause: error,
    },
  );
}

const AADSTS_HINTS: Readonly<Record<string, string>> = {
  7000215: 'the client secret is wrong: correct the PIN (client-id:client-secret, the secret itself and not its id)',
  7000222: 'the client secret has expired: create a new one and put it into the PIN',
  700016: 'no such application in this tenant: check the client id in the PIN and tenantId',
  90002: 'no such tenant: check tenantId',
};

/** What a refusal of the token endpoint means: CKR_PIN_INCORRECT when it is about the credential. */
export function failureOfToken(
  error: unknown,
  identity: string,
  authority: string,
  configurationPath: string,
): Pkcs11Error {
  const message = error instanceof Error ? error.message : String(error);
  const aadsts = /AADSTS(\d+)/.exec(message)?.[1];
  if (aadsts !== undefined) {
    return new Pkcs11Error(CKR_PIN_INCORRECT, `${authority} refused a token to ${identity}: AADSTS${aadsts}`, {
      hint: AADSTS_HINTS[aadsts] ?? 'look the number up in the documentation of Entra ID, and check the credential',
      cause: error,
    });
  }
  const network = /\b(E[A-Z]{4,}|[A-Z]+(?:_[A-Z]+)+)\b/.exec(message)?.[1];
  const problem = network === undefined ? error : Object.assign(new Error(message), { code: network });
  return failureOfNetwork(problem, authority, configurationPath);
}
