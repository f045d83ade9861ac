// What happens around every request: it is timed, its answer leaves when it is due, and it is recorded.
import type { Service } from '../service.ts';
import type { App } from './call.ts';
import { cutBehind, spoilAnswer } from './fault-acts.ts';
import { pace } from './pace.ts';
import { isOwn, record } from './record.ts';

/** Adds the hooks; the mock's own routes are left out. */
export function observe(app: App, service: Service): void {
  app.decorateRequest('call');
  app.addHook('onRoute', ({ config }) => {
    if (config?.operation !== undefined) service.faults.know(config.operation);
  });
  app.addHook('onRequest', (request, reply, done) => {
    const operation = request.routeOptions.config?.operation ?? 'unknown';
    request.call = { operation, startMs: performance.now() };
    // An answer that the client has may not count as finished yet when its connection is cut.
    reply.raw.once('close', () => {
      if (!isOwn(request) && reply.raw.writableEnded) record(request, reply.statusCode, service);
    });
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    if (service.listener.isLastAnswer(request.raw.socket)) reply.header('connection', 'close');
    if (isOwn(request)) return done(null, payload);
    const send = () => {
      reply.header('x-ms-server-latency', String(Math.round(performance.now() - request.call.startMs)));
      const left = spoilAnswer(request, reply, payload, service);
      // Before it leaves: who has the answer looks into the log at once. A spoiled one is recorded when it has ended.
      if (left === payload && !request.raw.socket.destroyed) record(request, reply.statusCode, service);
      if (left !== undefined) done(null, left);
    };
    const waiting = pace(request.call, reply.statusCode, service);
    if (waiting === undefined) send();
    else waiting.then(send);
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (!isOwn(request)) {
      record(request, reply.statusCode, service);
      cutBehind(request, service);
    }
    done();
  });
}
