// What a seed document may say. It is what a mock should hold, beside what it holds already: applying it twice changes
// nothing the second time.
import { z } from 'zod';
import { isDataAction } from '../rbac/data-actions.ts';

const guid = z.guid().toLowerCase();

const name = z
  .string()
  .regex(
    /^[\w][\w .@()-]{0,127}$/,
    'must be 1 to 128 letters, digits, spaces or _ . @ ( ) - and begin with a letter, a digit or _',
  );

const timeForm = 'must be a time as in 2030-01-31T00:00:00Z, or Unix seconds';

/** ISO 8601 or Unix seconds; Unix seconds when read. */
const time = z.preprocess(
  (value) => (typeof value === 'string' ? Math.floor(Date.parse(value) / 1000) : value),
  // To the end of the year 9999: no later time can be written in ISO 8601 without an agreement.
  z.int({ error: timeForm }).min(0, timeForm).max(253_402_300_799, timeForm),
);

const tokenLifetime = z.int().min(1).max(86_400);

/** A secret may be written as its value alone. */
const secret = z.preprocess(
  (value) => (typeof value === 'string' ? { value } : value),
  z.strictObject({ value: z.string().min(1).max(1024), expires: time.optional() }),
);

const thumbprint = z
  .string()
  .transform((text) => text.replaceAll(':', '').toUpperCase())
  .pipe(z.string().regex(/^([0-9A-F]{40}|[0-9A-F]{64})$/, 'must be 40 (SHA-1) or 64 (SHA-256) hex digits'));

const certificate = z
  .strictObject({ pem: z.string().optional(), thumbprint: thumbprint.optional() })
  .refine((value) => (value.pem === undefined) !== (value.thumbprint === undefined), 'needs a pem or a thumbprint');

const jwk = z.looseObject({ kty: z.string() });

const federatedCredential = z
  .strictObject({
    issuer: z.string().min(1),
    subject: z.string().min(1),
    audiences: z.array(z.string()).min(1).default(['api://AzureADTokenExchange']),
    /** The issuer's key set, or … */
    jwks: z.strictObject({ keys: z.array(jwk).min(1) }).optional(),
    /** … its one public key, PEM. Neither: the issuer is this mock's own Entra ID. */
    publicKey: z.string().optional(),
  })
  .refine((value) => value.jwks === undefined || value.publicKey === undefined, 'takes jwks or publicKey, not both');

const servicePrincipal = z.strictObject({
  name,
  clientId: guid.optional(),
  objectId: guid.optional(),
  secrets: z.array(secret).optional(),
  certificates: z.array(certificate).optional(),
  federatedCredentials: z.array(federatedCredential).optional(),
  tokenLifetime: tokenLifetime.optional(),
  disabled: z.boolean().optional(),
});

const managedIdentity = z.strictObject({
  name,
  clientId: guid.optional(),
  objectId: guid.optional(),
  assigned: z.enum(['system', 'user']).optional(),
  resourceId: z.string().regex(/^\//, 'must begin with /subscriptions/').optional(),
  onThisMachine: z.boolean().optional(),
  federatedCredentials: z.array(federatedCredential).optional(),
  tokenLifetime: tokenLifetime.optional(),
});

const user = z.strictObject({
  name,
  objectId: guid.optional(),
  upn: z
    .string()
    .regex(/^[^\s@]+@[^\s@]+$/, 'must be as in alice@contoso.example')
    .optional(),
  password: z.string().min(1).optional(),
  tokenLifetime: tokenLifetime.optional(),
  disabled: z.boolean().optional(),
});

const group = z.strictObject({ name, objectId: guid.optional(), members: z.array(z.string()).default([]) });

const dataActions = z.array(z.string().refine(isDataAction, 'is not a data action of Managed HSM')).default([]);

const roleDefinition = z.strictObject({
  roleName: z.string().min(1).max(512),
  /** GUID. */
  name: guid.optional(),
  description: z.string().max(2048).default(''),
  dataActions,
  notDataActions: dataActions,
});

const roleAssignment = z.strictObject({
  /** Name of the role as the service writes it, or GUID. */
  role: z.string().min(1),
  /** Name of an entry of the directory, or an object id. */
  principal: z.string().min(1),
  scope: z.string().regex(/^\/(keys(\/[0-9a-zA-Z-]{1,127})?)?$/, 'must be /, /keys or /keys/{name}'),
});

const key = z.strictObject({
  name: z.string().regex(/^[0-9a-zA-Z-]{1,127}$/, 'must be 1 to 127 letters, digits or dashes'),
  kty: z.enum(['RSA-HSM', 'EC-HSM', 'oct-HSM']),
  size: z.int().optional(),
  crv: z.string().optional(),
  key_ops: z.array(z.string()).optional(),
  tags: z.record(z.string(), z.string()).optional(),
  attributes: z
    .strictObject({
      enabled: z.boolean().optional(),
      nbf: time.optional(),
      exp: time.optional(),
    })
    .optional(),
});

const removal = z.strictObject({
  /** Names. Role assignments to them stay, as they do in the service. */
  principals: z.array(z.string()).default([]),
  secrets: z.array(z.strictObject({ principal: z.string(), keyId: guid })).default([]),
  certificates: z.array(z.strictObject({ principal: z.string(), thumbprint })).default([]),
  members: z.array(z.strictObject({ group: z.string(), member: z.string() })).default([]),
  roleAssignments: z.array(roleAssignment).default([]),
});

export const seedDocument = z.strictObject({
  /** Taken at the first start on a data folder; later it must be the same. */
  tenantId: guid.optional(),
  /** Life of access tokens in seconds; kept in the data folder. */
  tokenLifetime: tokenLifetime.optional(),
  servicePrincipals: z.array(servicePrincipal).default([]),
  managedIdentities: z.array(managedIdentity).default([]),
  users: z.array(user).default([]),
  groups: z.array(group).default([]),
  roleDefinitions: z.array(roleDefinition).default([]),
  roleAssignments: z.array(roleAssignment).default([]),
  /** Made when there is no key of that name. */
  keys: z.array(key).default([]),
  /** What must not be there; what is not there is no error. Comes before the rest. */
  remove: removal.optional(),
});

/** As it is written. */
export type SeedDocument = z.input<typeof seedDocument>;

/** As it is read: with all defaults. */
export type Seed = z.output<typeof seedDocument>;

/** Something in a seed document that cannot be. The message has one line for each fault. */
export class SeedError extends Error {
  override readonly name = 'SeedError';
}

/**
 * Checks a document against the schema.
 *
 * Throws SeedError with a line for each fault: `source`, the path in the document, what is expected.
 */
export function readSeed(document: unknown, source: string): Seed {
  const result = seedDocument.safeParse(document ?? {});
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `${source}: ${pathText(path)}: ${message}`);
  throw new SeedError(lines.join('\n'));
}

/** `servicePrincipals[0].secrets[1].expires`. */
export function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return text === '' ? 'the document' : text.replace(/^\./, '');
}
