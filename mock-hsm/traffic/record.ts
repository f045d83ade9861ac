// The trace that a request leaves: a line in the log, and counters.
import type { FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';
import { kindOf } from './fault-model.ts';

/** Characters of a path and a reason that are kept: callers choose them, and the log keeps many. */
const longest = 200;

const tokenOperations = new Set(['token', 'imdsToken', 'appServiceToken']);

const recorded = new WeakSet<FastifyRequest>();

/** Once for each request. @param status 0 when the connection was closed instead of answered */
export function record(request: FastifyRequest, status: number, { log, metrics, clock, connections }: Service): void {
  if (recorded.has(request)) return;
  recorded.add(request);
  const { startMs, groups: _, keyType: __, fault, ...call } = request.call;
  const elapsedMs = performance.now() - startMs;
  metrics.countRequest(call.operation, status, elapsedMs);
  if (status === 200 && tokenOperations.has(call.operation)) metrics.countToken(call.operation);
  log.add({
    time: new Date(clock.nowMs()).toISOString(),
    method: request.method,
    path: pathOf(request).slice(0, longest),
    status,
    ...call,
    ...(call.reason === undefined ? {} : { reason: call.reason.slice(0, longest) }),
    ...(fault === undefined ? {} : { fault: kindOf(fault) }),
    durationMs: Math.round(elapsedMs * 1000) / 1000,
    connection: connections.numberOf(request.raw.socket),
  });
}

/** Without the query, which may hold what is nobody's business. */
export const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0] ?? '';

/** Whether it is for the mock itself: such requests are neither counted, logged, delayed nor refused. */
export const isOwn = ({ routeOptions, url }: FastifyRequest) => /^\/mock(\/|$)/i.test(routeOptions.url ?? url);
