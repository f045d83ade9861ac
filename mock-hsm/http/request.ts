// What every route may ask of a request.
import type { FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';

// A Host header that can stand in an address.
const plainHost = /^[\w.:[\]-]+$/;

/** `https://` and the authority the caller used; our own when it is no host name. */
export function originOf(request: FastifyRequest, service: Service): string {
  return plainHost.test(request.host) ? `https://${request.host}` : service.publicUrl();
}

/** A query parameter by its decoded name; undefined when absent or given twice. */
export function queryValue(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
