// The HTTPS server: what every request goes through, whichever operation it is for.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { armRoutes } from './azure/arm.ts';
import { graphRoutes } from './azure/graph.ts';
import { answerHeaders, poolHeaders } from './http/answer-headers.ts';
import { readBodies } from './http/bodies.ts';
import { bodyBytesOf, boundServer, type Limits, serverLimits, standardLimits } from './http/limits.ts';
import { RawAnswer } from './http/raw-answer.ts';
import {
  assertHttp,
  assertSize,
  httpRefusal,
  MethodTable,
  refuseBrokenRequest,
  refuseConnect,
} from './http/refusals.ts';
import { originOf } from './http/request.ts';
import { identityRoutes } from './identity/routes.ts';
import { attestationRoutes } from './keyvault/attestation-authority.ts';
import { keyRoutes } from './keyvault/routes.ts';
import { pageRoutes } from './page/routes.ts';
import { poolRoutes } from './pool/routes.ts';
import { profileRoutes } from './profile/routes.ts';
import { roleRoutes } from './rbac/routes.ts';
import { seedRoutes } from './seed/routes.ts';
import type { Service } from './service.ts';
import { invalidKeyIdentifier, JobNotFound, MissingResource, ServiceError } from './service-error.ts';
import { StoreError } from './store/store-error.ts';
import type { Certificate } from './tls/certificate-authority.ts';
import { admit } from './traffic/admission.ts';
import type { App } from './traffic/call.ts';
import { controlRoutes } from './traffic/control-routes.ts';
import { sufferFault } from './traffic/fault-acts.ts';
import { observe } from './traffic/observation.ts';
import { throttle } from './traffic/pace.ts';
import { isOwn, pathOf } from './traffic/record.ts';
import { mockRoutes } from './traffic/routes.ts';

/** Builds the server; it does not listen yet. */
export function createApp(service: Service, certificate: Certificate, limits: Limits = standardLimits): App {
  const app: App = fastify({
    serverFactory: (handler) => {
      const tls = { key: certificate.keyPem, cert: certificate.certPem, minVersion: 'TLSv1.2' } as const;
      const server = createServer({ ...tls, ...serverLimits(limits), noDelay: true }, handler);
      boundServer(server, limits);
      server.on('checkExpectation', handler).on('connect', refuseConnect);
      service.connections.attach(server);
      service.listener.attach(server);
      return server;
    },
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    rewriteUrl: ({ url }) => plainPath(url ?? '/'),
    // A name that is too long gets the service's answer, after the token was checked, and not the router's.
    routerOptions: { caseSensitive: false, maxParamLength: limits.headerBytes },
    frameworkErrors: (_error, request, reply) => {
      // A path with broken percent-encoding reaches no hook.
      request.call = { operation: 'unknown', startMs: performance.now() };
      sendError(invalidKeyIdentifier(), request, reply.headers(poolHeaders), service);
    },
    clientErrorHandler: refuseBrokenRequest,
    bodyLimit: limits.bodyBytes,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
  });
  app.addHook('preClose', async () => {
    service.listener.stop();
    service.connections.cutAll();
  });
  const methods = new MethodTable(app);
  app.decorate('methodTable', methods);
  app.addHook('onRoute', (route) => {
    route.bodyLimit = bodyBytesOf(route.url, limits);
  });
  readBodies(app, limits.jsonDepth);
  observe(app, service);
  answerHeaders(app);
  app.addHook('onRequest', async (request, reply) => {
    assertSize(request, limits);
    assertHttp(request);
    if (isOwn(request)) return;
    const date = new Date(service.clock.nowMs()).toUTCString();
    reply.headers(poolHeaders).header('x-ms-request-id', request.id).header('date', date);
    if (await sufferFault(request, reply, service)) return;
    const { guard } = request.routeOptions.config;
    if (guard === undefined && !request.is404) return;
    if (service.rotation.isDue) await service.rotation.settle();
    await admit(request, service, guard);
    throttle(request.call, service);
  });
  app.setErrorHandler((error, request, reply) =>
    error instanceof RawAnswer ? error.send(reply) : sendError(toServiceError(error), request, reply, service),
  );
  app.setNotFoundHandler((request) => {
    const { method, url } = request;
    const path = pathOf(request);
    const allowed = methods.methodsOf(path).join(', ');
    // The service has writing of definitions at every scope, and takes it at the pool alone.
    if (allowed !== '' && !/\/roleDefinitions\//i.test(path)) {
      throw httpRefusal(405, `${method} is not allowed here; allowed: ${allowed}`, { allow: allowed });
    }
    if (/^\/(deleted)?keys\//i.test(url)) throw invalidKeyIdentifier();
    throw new ServiceError(404, 'NotFound', `There is no ${method} ${path.slice(0, 200)}`);
  });
  identityRoutes(app, service);
  keyRoutes(app, service);
  poolRoutes(app, service);
  attestationRoutes(app, service);
  roleRoutes(app, service);
  armRoutes(app, service);
  graphRoutes(app, service);
  mockRoutes(app, service);
  seedRoutes(app, service);
  profileRoutes(app, service);
  controlRoutes(app, service);
  pageRoutes(app, service);
  return app;
}

const absoluteForm = /^https?:\/\/[^/?]*/i;

/**
 * Collapses runs of slashes and drops a trailing one: clients leave an empty place for a version they do not name.
 * Of an absolute URL, as proxies are sent, it leaves the path.
 */
export function plainPath(target: string): string {
  const url = target.replace(absoluteForm, '');
  const end = url.indexOf('?');
  const [path, query] = end < 0 ? [url, ''] : [url.slice(0, end), url.slice(end)];
  if (path !== '' && !path.includes('//') && !path.endsWith('/')) return url;
  const plain = path.replace(/\/{2,}/g, '/').replace(/\/$/, '');
  return `${plain === '' ? '/' : plain}${query}`;
}

function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const { statusCode, message } = error as { statusCode?: unknown; message?: string };
  if (typeof statusCode === 'number' && statusCode < 500) {
    return httpRefusal(statusCode, message ?? 'Bad request');
  }
  if (error instanceof StoreError) {
    process.stderr.write(`mock-hsm: ${error.message}\n`);
    return new ServiceError(500, 'InternalError', 'The change could not be stored and was not made');
  }
  // A fault of the mock itself: its operator must see it, its caller need not.
  process.stderr.write(`mock-hsm: ${error instanceof Error ? error.stack : String(error)}\n`);
  return new ServiceError(500, 'InternalError', 'Internal error of the mock');
}

function sendError(error: ServiceError, request: FastifyRequest, reply: FastifyReply, service: Service) {
  const { status, code, inner, headers } = error;
  request.call.reason ??= inner ?? code;
  if (error instanceof JobNotFound) {
    return reply.code(status).send({ error: { code, innererror: null, message: error.message } });
  }
  const message = error instanceof MissingResource ? error.messageAt(originOf(request, service)) : error.message;
  const innererror = inner === undefined ? {} : { innererror: { code: inner } };
  const text = `${message} (Activity ID: ${request.id})`;
  return reply
    .code(status)
    .headers(headers)
    .send({ error: { code, ...innererror, message: text } });
}
