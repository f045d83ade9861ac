import {
  CKR_ACTION_PROHIBITED,
  CKR_ATTRIBUTE_VALUE_INVALID,
  CKR_DATA_INVALID,
  CKR_DEVICE_ERROR,
  CKR_ENCRYPTED_DATA_INVALID,
  CKR_FUNCTION_FAILED,
  CKR_KEY_FUNCTION_NOT_PERMITTED,
  CKR_KEY_HANDLE_INVALID,
  CKR_OBJECT_HANDLE_INVALID,
  CKR_TEMPLATE_INCONSISTENT,
} from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';

/** What was asked of the service, for messages and for the role that a refusal asks for. */
export interface Asked {
  readonly operation: 'list' | 'get' | 'sign' | 'decrypt' | 'create' | 'update' | 'delete' | 'random';
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
  readonly code: string;
  readonly innerCode: string;
  readonly message: string;
}

const MAX_SERVICE_WORDS = 300;

/** Fits the service's words into a line. Its activity id differs each time: the same trouble is to be the same line. */
function oneLine(text: string): string {
  const words = text.replace(/\s*\(?Activity ID: [^)]*\)?/i, '').replace(/[\p{Cc}\s]+/gu, ' ');
  return words.trim().slice(0, MAX_SERVICE_WORDS);
}

function parseServiceError(body: string): ServiceError {
  const text = (value: unknown) => (typeof value === 'string' ? oneLine(value) : '');
  try {
    const { error } = JSON.parse(body) as {
      error?: { code?: unknown; message?: unknown; innererror?: { code?: unknown } };
    };
    return { code: text(error?.code), innerCode: text(error?.innererror?.code), message: text(error?.message) };
  } catch {
    return { code: '', innerCode: '', message: '' };
  }
}

interface NeededRole {
  readonly role: string;
  /** At the key in question where there is one, else at `scope`. */
  readonly atKey?: true;
  readonly scope: string;
  /** Approach of `mhsm-p11 roles` that grants it; none does what TLS offload has no use for. */
  readonly approach?: 'granular' | 'permissive';
}

const READER = { role: 'TLS Library User Read Role', scope: '/keys', approach: 'granular' } as const;
const KEY_USER = { role: 'Managed HSM Crypto User', atKey: true, scope: '/keys', approach: 'granular' } as const;

/** The role of Microsoft's guide that allows an operation, and where. */
const ROLES: Readonly<Record<Asked['operation'], NeededRole>> = {
  list: READER,
  get: READER,
  sign: KEY_USER,
  decrypt: KEY_USER,
  create: { role: 'Managed HSM Crypto User', scope: '/keys', approach: 'permissive' },
  update: KEY_USER,
  delete: KEY_USER,
  random: { role: 'Managed HSM Crypto User', scope: '/' },
};

function hsmName({ url }: Parties): string {
  return new URL(url).hostname.split('.')[0] ?? '';
}

function roleHint({ operation, key }: Asked, parties: Parties): string {
  const { role, atKey, scope, approach } = ROLES[operation];
  const where = atKey && key !== undefined ? `/keys/${key}` : scope;
  const whom = parties.objectId ?? '<object id>';
  const choice = approach === 'permissive' ? '--approach permissive' : `--key ${key ?? '<key name>'}`;
  const all = `mhsm-p11 roles --principal ${whom} ${choice} prints all az commands; this needs `;
  return `${approach === undefined ? '' : all}az keyvault role assignment create --hsm-name ${hsmName(parties)} --role "${role}" --assignee-object-id ${whom} --assignee-principal-type ServicePrincipal --scope ${where}`;
}

/** `az keyvault key set-attributes` of the key in question. */
function changeKey(change: string) {
  return ({ key }: Asked, parties: Parties) =>
    `az keyvault key set-attributes --hsm-name ${hsmName(parties)} --name ${key} ${change}`;
}

type ByOperation = { readonly [Operation in Asked['operation']]?: number } & { readonly other: number };

interface Outcome {
  readonly rv: number | ByOperation;
  /** Undefined: the calling program's business, not the operator's. */
  readonly hint?: (asked: Asked, parties: Parties) => string;
}

const say = (text: string) => () => text;

/**
 * Not allowed. What signs or decrypts has the code by which C_SignInit and C_DecryptInit refuse a key that may not (the
 * core makes of it what C_Sign lists); what changes or deletes a key has CKR_ACTION_PROHIBITED (2.40 sections 5.7.3 and
 * 5.7.6). CKR_USER_NOT_LOGGED_IN would send people to look for a login that did work.
 */
const DENIED: ByOperation = {
  sign: CKR_KEY_FUNCTION_NOT_PERMITTED,
  decrypt: CKR_KEY_FUNCTION_NOT_PERMITTED,
  update: CKR_ACTION_PROHIBITED,
  delete: CKR_ACTION_PROHIBITED,
  other: CKR_FUNCTION_FAILED,
};

/** Refusals by the service's own code (inner code first), whatever their status. */
const BY_CODE: ReadonlyMap<string, Outcome> = new Map([
  ['AccessDenied', { rv: DENIED, hint: roleHint }],
  ['KeyDisabled', { rv: DENIED, hint: changeKey('--enabled true') }],
  ['KeyExpired', { rv: DENIED, hint: changeKey('--expires <later date>, or a new key and certificate') }],
  ['KeyNotYetValid', { rv: DENIED, hint: changeKey('--not-before <earlier date>, or wait') }],
  [
    'KeyOperationForbidden',
    {
      rv: DENIED,
      hint: ({ operation, key }, parties) =>
        `add ${operation} to what az keyvault key show --hsm-name ${hsmName(parties)} --name ${key} lists as keyOps, with set-attributes --ops`,
    },
  ],
  [
    'ObjectIsDeletedButRecoverable',
    { rv: CKR_FUNCTION_FAILED, hint: say('recover or purge the deleted key of that name, or choose another name') },
  ],
  [
    'ObjectIsBeingDeleted',
    { rv: CKR_FUNCTION_FAILED, hint: say('wait until the key of that name is deleted, or choose another name') },
  ],
]);

const BY_STATUS: ReadonlyMap<number, Outcome> = new Map([
  [
    400,
    {
      rv: {
        sign: CKR_DATA_INVALID,
        decrypt: CKR_ENCRYPTED_DATA_INVALID,
        create: CKR_TEMPLATE_INCONSISTENT,
        update: CKR_ATTRIBUTE_VALUE_INVALID,
        other: CKR_DEVICE_ERROR,
      },
    },
  ],
  [
    401,
    {
      rv: CKR_DEVICE_ERROR,
      hint: say('the HSM does not accept tokens of this tenant or audience: check tenantId and baseUrl'),
    },
  ],
  [403, { rv: DENIED, hint: roleHint }],
  [
    404,
    {
      rv: { sign: CKR_KEY_HANDLE_INVALID, decrypt: CKR_KEY_HANDLE_INVALID, other: CKR_OBJECT_HANDLE_INVALID },
      hint: say('the key was deleted or has another name: mhsm_p11_list_keys shows what is there'),
    },
  ],
  [409, { rv: CKR_FUNCTION_FAILED, hint: say('the name is taken or being deleted: choose another one') }],
  [429, { rv: CKR_DEVICE_ERROR, hint: say('the HSM throttles requests: spread them') }],
]);

const REDIRECT: Outcome = {
  rv: CKR_DEVICE_ERROR,
  hint: say('a Managed HSM does not redirect: check its address; nothing was sent elsewhere'),
};
const BY_DEFAULT: Outcome = {
  rv: CKR_DEVICE_ERROR,
  hint: say("look at the HSM's health and the service's status page"),
};

function outcomeOf(status: number, { code, innerCode }: ServiceError): Outcome {
  const byStatus = status >= 300 && status < 400 ? REDIRECT : BY_STATUS.get(status);
  return BY_CODE.get(innerCode) ?? BY_CODE.get(code) ?? byStatus ?? BY_DEFAULT;
}

/** The error for an answer that is not a success: CKR by the service's code, else by the status. */
export function failureOfAnswer(status: number, body: string, asked: Asked, parties: Parties): Pkcs11Error {
  const refusal = parseServiceError(body);
  const { rv, hint } = outcomeOf(status, refusal);
  const what = asked.key === undefined ? asked.operation : `${asked.operation} ${asked.key}`;
  const words = [refusal.innerCode || refusal.code, refusal.message].filter((word) => word !== '').join(': ');
  const text = `${parties.url} refused ${what} for ${parties.identity} with ${status}${words === '' ? '' : ` ${words}`}`;
  const code = typeof rv === 'number' ? rv : (rv[asked.operation] ?? rv.other);
  return new Pkcs11Error(code, text, hint === undefined ? {} : { hint: hint(asked, parties) });
}
