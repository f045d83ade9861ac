// The mock's own routes, beside the service's: counters, the request log, faults. They need no token.
import { readBody } from '../http/read-body.ts';
import type { Service } from '../service.ts';
import { ServiceError } from '../service-error.ts';
import type { App } from './call.ts';
import { faultBody } from './fault-model.ts';

/** Adds `/mock/…`. These requests are neither counted nor logged. */
export function mockRoutes(app: App, { metrics, log, faults }: Service): void {
  app.get('/mock/metrics', (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.text();
  });
  app.get('/mock/requests', (request) => {
    const { after } = request.query as { after?: unknown };
    return log.after(typeof after === 'string' && /^\d{1,15}$/.test(after) ? Number(after) : 0);
  });
  app.get('/mock/faults', () => faults.list());
  app.post('/mock/faults', (request, reply) => {
    faults.add(readBody(faultBody, request.body));
    reply.code(201);
    return faults.list();
  });
  app.delete('/mock/faults', () => {
    faults.clear();
    return faults.list();
  });
  app.delete('/mock/faults/:id', (request) => {
    const { id } = request.params as { id: string };
    if (!faults.remove(Number(id))) throw new ServiceError(404, 'NotFound', `There is no fault ${id.slice(0, 20)}`);
    return faults.list();
  });
}
