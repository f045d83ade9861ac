// What the routes of Entra ID share.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';
import { TokenError, tokenErrorBody } from './token-error.ts';

/** The tenant of the path: an id, a domain, `common` or `organizations`. */
export const tenantOf = (request: FastifyRequest) => (request.params as { tenant: string }).tenant;

/** Answers what Entra ID would, also when it refuses. */
export async function orTokenError(
  request: FastifyRequest,
  reply: FastifyReply,
  { clock }: Service,
  answer: () => unknown,
): Promise<unknown> {
  reply.header('cache-control', 'no-store, no-cache').header('pragma', 'no-cache');
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    request.call.reason = `${error.error} AADSTS${error.number}`;
    reply.code(error.status);
    return tokenErrorBody(error, new Date(clock.nowMs()), correlationId(request));
  }
}

/** The caller's own id for the request, so that it finds its errors again. */
function correlationId(request: FastifyRequest): string | undefined {
  const id = request.headers['client-request-id'];
  return typeof id === 'string' && /^[0-9a-f-]{36}$/i.test(id) ? id : undefined;
}
