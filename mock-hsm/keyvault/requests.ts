// The bodies of requests: what is allowed in them, and the refusal of what is not.
import { z } from 'zod';
import { latestS } from './durations.ts';
import { transferMechanisms } from './key-transfer.ts';

const keyOp = z.enum(['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey', 'deriveKey', 'import', 'export']);

const unixSeconds = z.int().nonnegative().max(latestS);

const attributes = z.object({
  enabled: z.boolean().nullish(),
  nbf: unixSeconds.nullish(),
  exp: unixSeconds.nullish(),
  exportable: z.boolean().nullish(),
});

const maxTags = 15;
const maxTagCharacters = 256;

const tags = z
  .record(z.string().max(maxTagCharacters), z.string().max(maxTagCharacters))
  .refine((record) => Object.keys(record).length <= maxTags, { error: `more than ${maxTags} tags` });

const releasePolicy = z.object({
  contentType: z.string().nullish(),
  immutable: z.boolean().nullish(),
  data: z
    .string()
    .regex(/^[A-Za-z0-9_-]*={0,2}$/, 'is not base64url')
    .nullish(),
});

const keyType = z.enum(['RSA', 'RSA-HSM', 'EC', 'EC-HSM', 'oct', 'oct-HSM']);
const curveName = z.enum(['P-256', 'P-256K', 'P-384', 'P-521']);

const described = {
  key_ops: z.array(keyOp).nullish(),
  attributes: attributes.nullish(),
  tags: tags.nullish(),
  release_policy: releasePolicy.nullish(),
};

const base64url = z
  .string()
  .regex(/^[A-Za-z0-9_-]*={0,2}$/, 'is not base64url')
  .transform((text) => Buffer.from(text, 'base64url'));

export const keyCreateBody = z.object({
  kty: keyType,
  key_size: z.int().nullish(),
  public_exponent: z.int().nullish(),
  crv: curveName.nullish(),
  ...described,
});

export const keyImportBody = z.object({
  Hsm: z.boolean().nullish(),
  key: z.looseObject({ kty: keyType, key_ops: z.array(keyOp).nullish(), key_hsm: z.string().nullish() }),
  ...described,
});

export const keyUpdateBody = z.object(described);

export const signBody = z.object({ alg: z.string(), value: base64url });

export const verifyBody = z.object({ alg: z.string(), digest: base64url, value: base64url });

export const cipherBody = z.object({
  alg: z.string(),
  value: base64url,
  iv: base64url.nullish(),
  aad: base64url.nullish(),
  tag: base64url.nullish(),
});

export const restoreBody = z.object({ value: base64url });

export const randomBody = z.object({ count: z.int() });

export const rotationPolicyBody = z.object({
  lifetimeActions: z
    .array(
      z.object({
        trigger: z.object({ timeAfterCreate: z.string().nullish(), timeBeforeExpiry: z.string().nullish() }),
        action: z.object({ type: z.string() }),
      }),
    )
    .nullish(),
  attributes: z.object({ expiryTime: z.string().nullish() }).nullish(),
});

export const releaseBody = z.object({
  target: z.string().min(1),
  nonce: z.string().nullish(),
  enc: z.enum(transferMechanisms).nullish(),
});

export type KeyAttributes = z.output<typeof attributes>;
export type KeyCreateBody = z.output<typeof keyCreateBody>;
export type KeyImportBody = z.output<typeof keyImportBody>;
export type KeyUpdateBody = z.output<typeof keyUpdateBody>;
export type RotationPolicyBody = z.output<typeof rotationPolicyBody>;
export type ReleaseBody = z.output<typeof releaseBody>;
