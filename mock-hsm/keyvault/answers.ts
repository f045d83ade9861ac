// What the handlers of key calls share: who is meant by the path, and how lists and ids are answered.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { originOf, queryValue } from '../http/request.ts';
import { keyTypeOf } from '../profile/key-type.ts';
import type { Service } from '../service.ts';
import { introduced, isAtLeast } from './api-versions.ts';
import type { BundleContext } from './bundles.ts';
import type { KeyVersion } from './key-model.ts';
import { pageOf, readPageRequest } from './paging.ts';

export type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;

/** One of the table, as admission has checked; '' on a next page, whose link names none. */
export const apiVersionOf = (request: FastifyRequest) => queryValue(request, 'api-version') ?? '';

export const nameOf = (request: FastifyRequest) => (request.params as { name: string }).name;

const versionParam = (request: FastifyRequest) => (request.params as { version?: string }).version;

/** The version of the path, the newest when it names none; throws KeyNotFound. */
export function versionOf(service: Service, request: FastifyRequest): KeyVersion {
  return noted(request, service.keys.ring.version(nameOf(request), versionParam(request)?.toLowerCase()));
}

/** Notes for the request log which version was meant. */
export function noted(request: FastifyRequest, version: KeyVersion): KeyVersion {
  request.call.key = version.name;
  request.call.version = version.version;
  request.call.keyType = keyTypeOf(version.material);
  return version;
}

/** What the bundles of one answer have in common. */
export function contextOf(service: Service, request: FastifyRequest): BundleContext {
  const { retentionDays, purgeProtection } = service.keys.pool;
  const recoveryLevel = `${retentionDays === 90 ? '' : 'Customized'}Recoverable${purgeProtection ? '' : '+Purgeable'}`;
  const apiVersion = apiVersionOf(request);
  return {
    origin: originOf(request, service),
    recoverableDays: retentionDays,
    recoveryLevel,
    apiVersion,
    showsSize: isAtLeast(apiVersion, introduced.keySize),
  };
}

export interface ListForm<Element> {
  /** Path of the list, as nextLink names it. */
  readonly path: string;
  /** Up to `count` elements that follow `after` in the list's order. */
  following(after: string, count: number): Element[];
  nameOf(element: Element): string;
  itemOf(context: BundleContext, element: Element): unknown;
}

/** A page of a list, with the link to the next one. */
export function listAnswer<Element>(service: Service, request: FastifyRequest, form: ListForm<Element>) {
  const page = readPageRequest(request.query as Record<string, unknown>);
  const context = contextOf(service, request);
  const url = `${context.origin}${form.path}`;
  const found = form.following(page.after, page.count + 1);
  const { elements, nextLink } = pageOf(found, page, url, form.nameOf);
  return { ...(nextLink === undefined ? {} : { nextLink }), value: elements.map((each) => form.itemOf(context, each)) };
}
