// From a parsed body to what a route works with.
import type { z } from 'zod';
import { badParameter, noContent } from '../service-error.ts';
import { faultOf } from './body-faults.ts';

/**
 * Checks a body against its shape. Throws BadParameter that names the first wrong field, or Nocontentprovided when
 * there is no body and the shape does not do without.
 */
export function readBody<Shape extends z.ZodType>(shape: Shape, body: unknown): z.output<Shape> {
  const result = shape.safeParse(body ?? {}, { error: faultOf });
  if (result.success) return result.data;
  if (body == null) throw noContent();
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') || 'body';
  throw badParameter(`Property ${field} is invalid: ${issue?.message ?? 'wrong form'}`);
}
