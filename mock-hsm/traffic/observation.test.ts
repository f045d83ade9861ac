import fastify from 'fastify';
import { expect, test } from 'vitest';
import type { Service } from '../service.ts';
import type { App } from './call.ts';
import { observe } from './observation.ts';
import { RequestLog } from './request-log.ts';

/** As much of the mock as an answer without fault and profile meets on its way. */
function quietService(log: RequestLog): Service {
  return {
    log,
    clock: { nowMs: () => 0 },
    metrics: { countRequest: () => undefined },
    faults: { know: () => undefined },
    profile: { nextLatencyMs: () => 0, enter: () => undefined },
    listener: { isLastAnswer: () => false },
    connections: { numberOf: () => 1 },
  } as unknown as Service;
}

test('a request is in the log before its answer leaves, so that who has the answer finds it there', async () => {
  const log = new RequestLog();
  const app = fastify() as unknown as App;
  observe(app, quietService(log));
  const logged: (number | undefined)[] = [];
  app.addHook('onSend', (_request, _reply, payload, done) => {
    logged.push(log.after(0).at(-1)?.status);
    done(null, payload);
  });
  app.get('/keys', { config: { operation: 'list' } }, () => ({ value: [] }));
  await app.inject('/keys');
  await app.inject('/nowhere');
  expect(logged).toEqual([200, 404]);
  expect(log.after(0)).toHaveLength(2);
});
