// The plain HTTP server of managed identity. It is for the machine it runs on alone: whoever reaches it gets tokens.
import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import { RawAnswer } from '../http/raw-answer.ts';
import { MethodTable } from '../http/refusals.ts';
import type { Service } from '../service.ts';
import { ServiceError } from '../service-error.ts';
import { cutBehind, spoilAnswer, sufferFault } from '../traffic/fault-acts.ts';
import { record } from '../traffic/record.ts';
import { appServiceRoutes } from './app-service-identity.ts';
import { imdsRoutes } from './imds.ts';

/** Builds the server; it does not listen yet. @param secret for App Service's IDENTITY_HEADER */
export function createMachineServer(service: Service, secret: string): FastifyInstance {
  const app = fastify({
    genReqId: () => randomUUID(),
    routerOptions: { caseSensitive: false, ignoreTrailingSlash: true },
    forceCloseConnections: true,
  });
  app.decorate('methodTable', new MethodTable(app));
  app.decorateRequest('call');
  app.addHook('onRoute', ({ config }) => {
    if (config?.operation !== undefined) service.faults.know(config.operation);
  });
  app.addHook('onRequest', async (request, reply) => {
    request.call = { operation: request.routeOptions.config?.operation ?? 'unknown', startMs: performance.now() };
    await sufferFault(request, reply, service);
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    const left = spoilAnswer(request, reply, payload, service);
    if (left !== undefined) done(null, left);
  });
  app.addHook('onResponse', (request, reply, done) => {
    record(request, reply.statusCode, service);
    cutBehind(request, service);
    done();
  });
  // MSAL names a form as the content type of a GET without a body.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null, undefined));
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof RawAnswer) return error.send(reply);
    const status = error instanceof ServiceError ? error.status : clientStatusOf(error);
    request.call.reason = error instanceof Error ? error.message : 'unknown';
    const headers = error instanceof ServiceError ? error.headers : {};
    const description = status === 500 ? 'Internal error of the mock' : request.call.reason;
    return reply.code(status).headers(headers).send({ error: 'server_error', error_description: description });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'Not found' }));
  imdsRoutes(app, service);
  appServiceRoutes(app, service, secret);
  return app;
}

/** What HTTP itself refuses, a body that is too large for example, has a status of its own. */
function clientStatusOf(error: unknown): number {
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode < 500 ? statusCode : 500;
}
