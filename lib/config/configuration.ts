import * as z from 'zod';
import { httpLevelOf } from './http-level.ts';

/** Shapes and defaults of mhsm-pkcs11.conf, in its own spelling. Keys are matched without regard to case. */

const seconds = z.number().min(0).max(86_400);
const text = z.string();
const user = z.union([text, z.int().min(0)], { error: 'a name or a number' });
const MAX_LABEL_BYTES = 32;

/** An origin: what follows the host and port would be ignored in silence, and a name before it would be a secret. */
const address = z.string().refine((value) => originOf(value) !== undefined, {
  error: 'an https:// address without path and query',
});

/** The metadata service answers on the machine itself, in clear. */
const localAddress = z.string().refine((value) => originOf(value, ['http:', 'https:']) !== undefined, {
  error: 'an http:// address without path and query',
});

function originOf(value: string, protocols: readonly string[] = ['https:']): string | undefined {
  if (!URL.canParse(value)) return undefined;
  const { protocol, username, password, pathname, search, hash, origin } = new URL(value);
  const bare = username === '' && password === '' && pathname === '/' && search === '' && hash === '';
  return protocols.includes(protocol) && bare ? origin : undefined;
}

/** The closed library prints switches as 0 and 1. */
const flag = z.union([z.boolean(), z.literal(0).transform(() => false), z.literal(1).transform(() => true)], {
  error: 'true or false',
});

/** Ways to prove an identity, of which a credential has one. */
const PROOFS = ['clientSecret', 'certificatePath', 'managedIdentity', 'workloadIdentity'] as const;

/**
 * Rules about several values of an object are looked at also when another of its values is wrong, so that one run finds
 * all mistakes; but not when one of the values in question is.
 */
function ifGood(...keys: readonly string[]) {
  return ({ value, issues }: z.core.ParsePayload): boolean =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !issues.some(({ path }) => keys.includes(String(path?.[0])));
}

const credential = z
  .object({
    /** Application (client) id; of a managed identity only when it is user-assigned. */
    clientId: text.min(1).optional(),
    tenantId: text.optional(),
    clientSecret: text.optional(),
    /** PEM file with the certificate and its private key. */
    certificatePath: text.optional(),
    /** The machine's identity. */
    managedIdentity: flag.default(false),
    /** A federated token in a file, as Kubernetes gives it. */
    workloadIdentity: flag.default(false),
    /** That file; by default the one that AZURE_FEDERATED_TOKEN_FILE names. */
    federatedTokenFile: text.optional(),
  })
  .refine((value) => PROOFS.filter((proof) => value[proof]).length === 1, {
    error: `one of ${PROOFS.join(', ')}`,
    when: ifGood(),
  })
  .refine((value) => value.clientId !== undefined || value.managedIdentity || value.workloadIdentity, {
    error: 'a clientId with the secret or the certificate',
    when: ifGood(),
  })
  .refine((value) => value.federatedTokenFile === undefined || value.workloadIdentity, {
    error: 'federatedTokenFile with workloadIdentity alone',
    when: ifGood(),
  });

const token = z
  .object({
    /** CK_SLOT_ID. */
    slotid: z.int().min(0).max(0xffff_ffff),
    protocol: z.enum(['https://']).default('https://'),
    /** DNS suffix of the service. */
    uri: text.default('managedhsm.azure.net'),
    /** The HSM's short name, and the token's label unless `label` says otherwise. */
    resourceName: text.min(1).optional(),
    resourceType: z.enum(['mhsm']).default('mhsm'),
    /** Whole address, for mock-hsm and private endpoints; instead of protocol + resourceName + "." + uri. */
    baseUrl: address.optional(),
    /** PEM file with the certificate authorities to trust for this HSM. */
    caFile: text.optional(),
    /** Entra ID tenant; by default the one that the HSM's challenge names. */
    tenantId: text.optional(),
    /** Address of Entra ID; by default the one that the challenge names, if it is one of Azure's. */
    authorityHost: address.optional(),
    /** An identity of the slot itself: no login is needed then. */
    credential: credential.optional(),
    /** PEM files whose certificates appear as CKO_CERTIFICATE. */
    certificates: z.array(text).default([]),
    /** CK_TOKEN_INFO.label, at most 32 bytes in UTF-8. */
    label: text
      .refine((value) => Buffer.byteLength(value) <= MAX_LABEL_BYTES, { error: `at most ${MAX_LABEL_BYTES} bytes` })
      .optional(),
    /** Whether C_DestroyObject may delete keys (softly, all versions). */
    allowDestroy: flag.default(false),
  })
  .refine((value) => value.baseUrl !== undefined || value.resourceName !== undefined, {
    error: 'resourceName or baseUrl',
    when: ifGood(),
  })
  .refine((value) => value.baseUrl !== undefined || originOf(derivedUrl(value)) !== undefined, {
    error: 'a resourceName and uri that make a host name',
    path: ['resourceName'],
    when: ifGood('protocol', 'resourceName', 'uri'),
  });

function derivedUrl(value: { protocol: string; resourceName?: string | undefined; uri: string }): string {
  return `${value.protocol}${value.resourceName}.${value.uri.replace(/^\./, '')}`;
}

export const fileSchema = z.object({
  tokens: z.array(token).min(1, { error: 'at least one token' }),
  msi: z
    .object({
      /** Managed identity instead of a service principal from the PIN. */
      identityMSI: flag.default(false),
      enableIMDSCache: flag.default(false),
      /** Client id of a user-assigned identity; empty: the system-assigned one. */
      MSIClientID: text.default(''),
      /** Address of the metadata service instead of http://169.254.169.254. */
      imdsEndpoint: localAddress.optional(),
    })
    .prefault({}),
  options: z.object({ DisableTLSAuthentication: flag.default(false) }).prefault({}),
  log: z
    .object({
      directory: text.default('/var/log'),
      module: z
        .object({
          P11Interfaces: flag.default(false),
          FunctionLevelTrace: flag.default(false),
          curl: z
            .object({
              /** Off, Error, Info or Verbose. */
              Level: text.default('Off').transform(httpLevelOf),
              DisplayAsHex: flag.default(false),
            })
            .prefault({}),
        })
        .prefault({}),
      flags: z
        .object({
          CloseFileAfterWrite: flag.default(false),
          SendToFile: flag.default(false),
          SendToStdOut: flag.default(false),
          SendToStdErr: flag.default(false),
          IncludeProcessId: flag.default(false),
          IncludeThreadId: flag.default(false),
          IncludePINs: flag.default(false),
        })
        .prefault({}),
    })
    .prefault({}),
  ConnectionCache: z
    .object({ Disable: flag.default(false), MaxConnections: z.int().min(1).max(1000).default(20) })
    .prefault({}),
  agent: z
    .object({
      /** User an agent started by root becomes: a name or a number. */
      user: user.optional(),
      /** Users whose processes may use the agent, besides root and the one who started it: names or numbers. */
      allowedUsers: z.array(user).default([]),
      /** Users who may look at metrics and status, and do nothing else: names or numbers. */
      observers: z.array(user).default([]),
      /** How long an agent without connections stays. */
      idleExitSeconds: seconds.default(30),
    })
    .prefault({}),
  timeouts: z
    .object({
      /** The longest a signature may take, waiting for a connection and retries included. */
      requestMs: z.int().min(100).max(600_000).default(10_000),
      /** The longest a call of many requests may take: login, listing of keys, key generation. */
      slowRequestMs: z.int().min(100).max(600_000).default(60_000),
    })
    .prefault({}),
  cache: z
    .object({
      /** Age at which the key list is read again in the background. */
      keyListSeconds: seconds.default(60),
    })
    .prefault({}),
});

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

type File = DeepReadonly<z.output<typeof fileSchema>>;
type FileToken = File['tokens'][number];

/** One Managed HSM, one slot. */
export interface TokenConfiguration extends Omit<FileToken, 'baseUrl' | 'label'> {
  /** `https://host[:port]`, no trailing slash. */
  readonly baseUrl: string;
  /** CK_TOKEN_INFO.label, at most 32 bytes in UTF-8. */
  readonly label: string;
  /** Where it stands in the file, for messages: `tokens[0]`. */
  readonly path: string;
}

/** The configuration with every default in its place. */
export interface Configuration extends Omit<File, 'tokens'> {
  /** Path of the file, for messages. */
  readonly file: string;
  readonly tokens: readonly TokenConfiguration[];
}

/** As many whole characters as fit into the label of a token. */
function fitLabel(label: string): string {
  let fitting = '';
  for (const character of label) {
    if (Buffer.byteLength(fitting + character) > MAX_LABEL_BYTES) break;
    fitting += character;
  }
  return fitting;
}

/** Adds what follows from other values: address and label. */
export function completeConfiguration(file: string, values: File): Configuration {
  const tokens = values.tokens.map((value, i): TokenConfiguration => {
    const baseUrl = new URL(value.baseUrl ?? derivedUrl(value)).origin;
    const label = value.label ?? value.resourceName ?? new URL(baseUrl).hostname;
    return { ...value, baseUrl, label: fitLabel(label), path: `tokens[${i}]` };
  });
  return { ...values, file, tokens };
}
