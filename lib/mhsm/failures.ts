import { CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED, CKR_PIN_INCORRECT } from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import type { Credential } from './credential.ts';
import { NoAnswer, type NoAnswerReason } from './no-answer.ts';
import { aadstsOf, type Trace } from './trace.ts';

/** What could not be reached, and where it stands in the configuration: `tokens[0]`. */
export interface Target {
  readonly url: string;
  readonly configurationPath: string;
}

interface Trouble {
  readonly rv: number;
  readonly what: (target: Target, kind: string) => string;
  readonly hint: (target: Target) => string;
}

const TOO_SLOW: Trouble = {
  rv: CKR_DEVICE_ERROR,
  what: ({ url }, kind) => `${url} did not answer in time${kind === '' ? '' : ` (${kind})`}`,
  hint: () => 'check the network and the load of the HSM; timeouts.requestMs bounds the wait',
};
const UNTRUSTED: Trouble = {
  rv: CKR_DEVICE_ERROR,
  what: ({ url }, kind) => `the certificate of ${url} is not trusted: ${kind}`,
  hint: ({ configurationPath }) => `set caFile of ${configurationPath} to the PEM file of the authority that issued it`,
};
const UNREACHABLE: Trouble = {
  rv: CKR_DEVICE_ERROR,
  what: ({ url }, kind) => `cannot reach ${url}: ${kind}`,
  hint: ({ configurationPath }) => `check that it runs, DNS, firewall and the address in ${configurationPath}`,
};

const CUT: Trouble = {
  rv: CKR_DEVICE_ERROR,
  what: ({ url }, kind) => `${url} closed the connection again and again (${kind})`,
  hint: () => 'check the health of the HSM, and of the firewalls and proxies on the way',
};

/** Requests that ended here, not in the network. */
const BY_REASON: Readonly<Record<Exclude<NoAnswerReason, 'network'>, Trouble>> = {
  crowded: {
    rv: CKR_FUNCTION_FAILED,
    what: ({ url }) => `too many requests wait for ${url} already`,
    hint: () =>
      'more comes than the HSM signs: see mhsm-p11 doctor for ConnectionCache.MaxConnections, let servers resume sessions, or add HSM capacity',
  },
  queue: {
    rv: CKR_DEVICE_ERROR,
    what: ({ url }) => `no connection to ${url} became free in time`,
    hint: () => 'raise ConnectionCache.MaxConnections, or the capacity of the HSM',
  },
  connect: {
    rv: CKR_DEVICE_ERROR,
    what: ({ url }) => `cannot reach ${url}: no connection in time`,
    hint: UNREACHABLE.hint,
  },
  answer: TOO_SLOW,
};

/** Codes of Node, OpenSSL and undici; the first row that fits. */
const BY_CODE: readonly (readonly [RegExp, Trouble])[] = [
  [
    /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/,
    { ...UNTRUSTED, hint: () => 'renew the certificate of the HSM, and check the clock of this host' },
  ],
  [
    /ALTNAME/,
    {
      ...UNTRUSTED,
      hint: ({ configurationPath }) => `it is for another name: correct the address in ${configurationPath}`,
    },
  ],
  [/CERT|SELF_SIGNED|VERIFY_LEAF|ISSUER/, UNTRUSTED],
  [
    /^ERR_SSL_|^EPROTO$|^HPE_/,
    {
      ...UNREACHABLE,
      hint: ({ configurationPath }) => `no HTTPS server answers there: check the address in ${configurationPath}`,
    },
  ],
  [/TIMEOUT|ETIMEDOUT|ABORT/i, TOO_SLOW],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, CUT],
];

/** The error at the bottom of causes and of what Node tries side by side; undefined when there is none. */
function innermost(error: unknown): NodeJS.ErrnoException | undefined {
  let inner: unknown = error;
  for (let depth = 0; depth < 8 && inner instanceof Error; depth++) {
    const next: unknown = inner instanceof AggregateError ? inner.errors[0] : inner.cause;
    if (!(next instanceof Error)) break;
    inner = next;
  }
  return inner instanceof Error ? inner : undefined;
}

function told({ rv, what, hint }: Trouble, target: Target, kind: string, cause: unknown): Pkcs11Error {
  return new Pkcs11Error(rv, what(target, kind), { hint: hint(target), cause });
}

function failureOfCode(code: string, target: Target, cause: unknown): Pkcs11Error {
  const trouble = BY_CODE.find(([pattern]) => pattern.test(code))?.[1] ?? UNREACHABLE;
  return told(trouble, target, code, cause);
}

/** The error for a request without an answer: CKR_DEVICE_ERROR, CKR_FUNCTION_FAILED when too many wait. */
export function failureOfNetwork(error: unknown, target: Target): Pkcs11Error {
  if (error instanceof NoAnswer && error.reason !== 'network') return told(BY_REASON[error.reason], target, '', error);
  const inner = innermost(error);
  return failureOfCode(typeof inner?.code === 'string' ? inner.code : (inner?.message ?? ''), target, error);
}

/** What a refusal of Entra ID is about. */
type Fault = 'credential' | 'authority';

interface TokenTrouble {
  readonly fault: Fault;
  readonly hint: string;
}

const NOT_FEDERATED = "give the application a federated credential with the token's issuer, subject and audience";

/** Refusals of Entra ID by their AADSTS number. */
const BY_AADSTS: ReadonlyMap<string, TokenTrouble> = new Map([
  [
    '7000215',
    {
      fault: 'credential',
      hint: 'the client secret is wrong: give the secret itself and not its id, as client-id:client-secret',
    },
  ],
  ['7000222', { fault: 'credential', hint: 'the client secret has expired: create a new one' }],
  ['700016', { fault: 'credential', hint: 'no such application in this tenant: check the client id and tenantId' }],
  ['7000112', { fault: 'credential', hint: 'the application is disabled: enable it in Entra ID' }],
  ['700027', { fault: 'credential', hint: 'the certificate is not registered for this application, or has expired' }],
  ['700211', { fault: 'credential', hint: NOT_FEDERATED }],
  ['700212', { fault: 'credential', hint: NOT_FEDERATED }],
  ['700213', { fault: 'credential', hint: NOT_FEDERATED }],
  [
    '700024',
    {
      fault: 'credential',
      hint: 'the federated token or the certificate is not valid now: check the clock of this host',
    },
  ],
  ['90002', { fault: 'authority', hint: 'no such tenant: check tenantId' }],
  ['900023', { fault: 'authority', hint: 'not a tenant: check tenantId' }],
  ['500011', { fault: 'authority', hint: 'the tenant does not know the HSM service: check tenantId' }],
  ['90033', { fault: 'authority', hint: 'Entra ID is not well: try again in a while' }],
  ['50196', { fault: 'authority', hint: 'Entra ID throttles this application: try again in a while' }],
]);
const OTHER_AADSTS: TokenTrouble = {
  fault: 'credential',
  hint: 'look the number up in the documentation of Entra ID, and check the credential',
};
const MAX_WORDS = 200;

/** What to look at when no token came, and neither Entra ID nor the network said why. */
const CHECK: Readonly<Record<Credential['kind'], (target: Target) => string>> = {
  secret: ({ configurationPath }) => `check the credential and authorityHost of ${configurationPath}`,
  certificate: ({ configurationPath }) => `check the credential and authorityHost of ${configurationPath}`,
  workload: () => "check the federated token's file: the agent's user reads it anew for each token",
  given: () => 'ask the TokenCredential itself why it gives no token for the HSM',
  managed: () => 'assign a managed identity to this machine, or correct the client id (MSIClientID of msi)',
};

function refusalOf(aadsts: string, credential: Credential, identity: string, target: Target): Pkcs11Error {
  const { fault, hint } = BY_AADSTS.get(aadsts) ?? OTHER_AADSTS;
  const isPin = credential.kind === 'secret' && credential.origin === 'pin';
  const where = fault === 'credential' && !isPin ? `${target.configurationPath} has the credential; ` : '';
  const rv = fault === 'credential' && isPin ? CKR_PIN_INCORRECT : CKR_DEVICE_ERROR;
  const what = `${target.url} refused a token to ${identity}: AADSTS${aadsts}`;
  return new Pkcs11Error(rv, what, { hint: `${where}${hint}` });
}

/**
 * What a token that did not come means: CKR_PIN_INCORRECT when the credential of a PIN was refused, else
 * CKR_DEVICE_ERROR. `target.url` is the authority's. The error of the library is not kept as the cause: it holds the
 * request, and the request holds the secret.
 */
export function failureOfToken(
  error: unknown,
  { problem, status = 0, aadsts: refusal }: Trace,
  credential: Credential,
  identity: string,
  target: Target,
): Pkcs11Error {
  const message = error instanceof Error ? error.message : String(error);
  const aadsts = aadstsOf(message) ?? refusal;
  if (aadsts !== undefined) return refusalOf(aadsts, credential, identity, target);
  const words = message.replace(/\s+/g, ' ').slice(0, MAX_WORDS);
  const code = innermost(problem)?.code;
  const failed = (what: string, hint: string) => new Pkcs11Error(CKR_DEVICE_ERROR, what, { hint });
  const check = CHECK[credential.kind](target);
  if (credential.kind === 'managed') return failed(`no token for ${identity}: ${code ?? words}`, check);
  if (status === 429 || status >= 500) {
    const hint = 'Entra ID is busy or not well: try again in a while';
    return failed(`${target.url} answered ${status} instead of a token for ${identity}`, hint);
  }
  if (code !== undefined) return failureOfCode(code, target, undefined);
  return failed(`no token for ${identity} from ${target.url}: ${words}`, check);
}
