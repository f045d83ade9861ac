// What every request leaves behind: counters, an entry in the log, and the time it took.
import type { Server } from 'node:https';
import type { FastifyRequest } from 'fastify';
import type { Service } from '../service.ts';
import type { App } from './call.ts';
import { pace } from './pace.ts';

/** Numbers of the TLS connections, so that the log can tell which requests shared one. */
const connectionNumbers = new WeakMap<object, number>();

export function countConnections(server: Server, { metrics }: Service): void {
  let opened = 0;
  server.on('secureConnection', (socket) => {
    opened += 1;
    connectionNumbers.set(socket, opened);
    metrics.connectionOpened();
    socket.once('close', () => metrics.connectionClosed());
  });
}

/** Counts, logs and paces every answer, except those of the mock's own routes. */
export function observe(app: App, service: Service): void {
  app.decorateRequest('call');
  app.addHook('onRequest', (request, _reply, done) => {
    const operation = request.routeOptions.config?.operation ?? 'unknown';
    request.call = { operation, startMs: performance.now() };
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    if (isOwn(request)) return done(null, payload);
    const send = () => {
      reply.header('x-ms-server-latency', String(Math.round(performance.now() - request.call.startMs)));
      done(null, payload);
    };
    const waiting = pace(request.call, reply.statusCode, service);
    if (waiting === undefined) send();
    else waiting.then(send);
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (!isOwn(request)) record(request, reply.statusCode, service);
    done();
  });
}

/** @param status 0 when the connection was closed instead of answered */
export function record(request: FastifyRequest, status: number, { log, metrics, clock }: Service): void {
  const { startMs, groups: _, keyType: __, ...call } = request.call;
  const elapsedMs = performance.now() - startMs;
  metrics.countRequest(call.operation, status, elapsedMs);
  const time = new Date(clock.nowMs()).toISOString();
  const durationMs = Math.round(elapsedMs * 1000) / 1000;
  const connection = connectionNumbers.get(request.raw.socket) ?? 0;
  log.add({ time, method: request.method, path: pathOf(request), status, ...call, durationMs, connection });
}

/** Without the query, which may hold what is nobody's business. */
export const pathOf = (request: FastifyRequest) => request.url.split('?', 1)[0] ?? '';

/** Whether it is for the mock itself: such requests are neither counted, logged, delayed nor refused. */
export const isOwn = (request: FastifyRequest) => request.url.startsWith('/mock/');
