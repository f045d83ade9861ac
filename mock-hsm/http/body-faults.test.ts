import { expect, test } from 'vitest';
import { z } from 'zod';
import { readBody } from './read-body.ts';

const shape = z.strictObject({
  kty: z.enum(['RSA', 'EC']).optional(),
  kind: z.literal('one').optional(),
  count: z.int().min(1).max(128).optional(),
  rate: z.number().positive().lt(10).optional(),
  name: z.string().min(1).max(3).optional(),
  list: z.array(z.string()).max(1).optional(),
  attributes: z.object({ enabled: z.boolean(), tags: z.record(z.string().max(2), z.string()) }).optional(),
  either: z.union([z.string(), z.number()]).optional(),
  hex: z
    .string()
    .regex(/^[0-9a-f]+$/, 'is not hex')
    .optional(),
});

test.each<[unknown, string]>([
  [{ kty: 'DSA' }, 'kty is invalid: it must be one of RSA, EC'],
  [{ kind: 'two' }, 'kind is invalid: it must be one'],
  [{ count: 0 }, 'count is invalid: it must be at least 1'],
  [{ count: 129 }, 'count is invalid: it must be at most 128'],
  [{ count: 1.5 }, 'count is invalid: it must be a whole number'],
  [{ count: null }, 'count is invalid: it must be a number'],
  [{ rate: 0 }, 'rate is invalid: it must be more than 0'],
  [{ rate: 10 }, 'rate is invalid: it must be less than 10'],
  [{ name: '' }, 'name is invalid: its length must be at least 1'],
  [{ name: 'long' }, 'name is invalid: its length must be at most 3'],
  [{ list: {} }, 'list is invalid: it must be a list'],
  [{ list: ['a', 'b'] }, 'list is invalid: its length must be at most 1'],
  [{ list: [5] }, 'list.0 is invalid: it must be a string'],
  [{ attributes: 5 }, 'attributes is invalid: it must be an object'],
  [{ attributes: {} }, 'attributes.enabled is invalid: it is missing'],
  [{ attributes: { enabled: 'yes' } }, 'attributes.enabled is invalid: it must be true or false'],
  [{ attributes: { enabled: true, tags: { long: '' } } }, 'attributes.tags.long is invalid: it has the wrong form'],
  [{ either: true }, 'either is invalid: it has the wrong form'],
  [{ hex: 'x' }, 'hex is invalid: is not hex'],
  [{ invented: 1 }, 'body is invalid: it has no member invented'],
  [[], 'body is invalid: it must be an object'],
])('%j is refused: Property %s', (body, message) => {
  expect(() => readBody(shape, body)).toThrow(`Property ${message}`);
});
