// Tokens at Azure's other services, which take each a resource of its own and refuse the pool's tokens.
import type { FastifyRequest } from 'fastify';
import { decodeJwt } from 'jose';
import { jsonType, RawAnswer } from '../http/raw-answer.ts';
import { originOf } from '../http/request.ts';
import type { Service } from '../service.ts';

export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/**
 * Makes a hook that answers 401 unless a valid token of this tenant names one of `audiences` (no slash at the end) or
 * the mock's own address.
 *
 * @param refusal the service's words when there is no token, and when it is no good
 */
export function demandToken(
  service: Service,
  audiences: readonly string[],
  refusal: Record<'absent' | 'bad', Refusal>,
) {
  return async (request: FastifyRequest): Promise<void> => {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const reason = token === undefined ? 'no bearer token' : await refusalOf(token, request, service, audiences);
    if (reason === undefined) return;
    request.call.reason = reason;
    const { tenantId } = service.tokens;
    const authority = `https://login.microsoftonline.com/${tenantId}`;
    const challenge = `Bearer authorization_uri="${authority}", error="invalid_token"`;
    const headers = { 'content-type': jsonType, 'www-authenticate': challenge };
    throw new RawAnswer(401, headers, JSON.stringify({ error: token === undefined ? refusal.absent : refusal.bad }));
  };
}

async function refusalOf(token: string, request: FastifyRequest, service: Service, audiences: readonly string[]) {
  const audience = audienceOf(token);
  if (audience === undefined) return 'the token is malformed';
  const accepted = [...audiences, originOf(request, service)];
  if (!accepted.includes(audience)) return `the token's audience is ${audience}`;
  const holder = await service.tokens.verify(token, audience);
  if ('refused' in holder) return holder.refused;
  request.call.principal = holder.objectId;
  request.call.clientId = holder.clientId;
  return undefined;
}

function audienceOf(token: string): string | undefined {
  try {
    const { aud } = decodeJwt(token);
    return typeof aud === 'string' ? aud.replace(/\/+$/, '') : undefined;
  } catch {
    return undefined;
  }
}
