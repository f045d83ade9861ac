// The headers of the pool's answers: those of all, those of success alone, and those of GET alone.
import type { App } from '../traffic/call.ts';
import { isOwn } from '../traffic/record.ts';
import { jsonType } from './raw-answer.ts';

/** Header values that every answer of the pool carries. */
export const poolHeaders = {
  'cache-control': 'no-cache',
  'content-security-policy': "default-src 'self'",
  'content-type': jsonType,
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
};

/** In the form of a pool's, but none that a pool has. */
const buildVersion = '1.0.0-0-mock-hsm';

/** Adds what depends on method and status. Errors say nothing of region and network; only GET tells the build. */
export function answerHeaders(app: App): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const { guard } = request.routeOptions.config;
    if (guard === undefined || isOwn(request)) return done(null, payload);
    if (request.method === 'GET') reply.header('x-ms-build-version', buildVersion);
    if (reply.statusCode < 400) {
      reply.header('x-ms-keyvault-region', 'mock');
      reply.header('x-ms-keyvault-network-info', networkInfo(request.ip));
    }
    done(null, payload);
  });
}

function networkInfo(address: string): string {
  const family = address.includes(':') && !address.startsWith('::ffff:') ? 'Ipv6' : 'Ipv4';
  return `conn_type=${family};addr=${address.replace('::ffff:', '')};act_addr_fam=${family};`;
}
