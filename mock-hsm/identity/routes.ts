// HTTP of Entra ID's token endpoints. It shares the port with the pool.
import type { FastifyRequest } from 'fastify';
import { originOf } from '../http/request.ts';
import type { Service } from '../service.ts';
import type { App } from '../traffic/call.ts';
import { deviceCodeLifetimeS } from './device-codes.ts';
import { deviceLoginRoutes } from './device-login.ts';
import { discoveryRoutes } from './discovery.ts';
import { assertTenant, clientIdOfForm, requestToken } from './token-endpoint.ts';
import { orTokenError, tenantOf } from './token-http.ts';

/** The service says 5; a mock's users have less patience. */
const pollIntervalS = 1;

type Answerer = (request: FastifyRequest, form: URLSearchParams) => Promise<Record<string, unknown>>;

/** Adds the identity routes. */
export function identityRoutes(app: App, service: Service): void {
  discoveryRoutes(app, service);
  deviceLoginRoutes(app, service);
  const rows: readonly [operation: string, paths: readonly string[], answer: Answerer][] = [
    ['token', ['/:tenant/oauth2/v2.0/token', '/:tenant/oauth2/token'], tokenAnswer(service)],
    ['deviceCode', ['/:tenant/oauth2/v2.0/devicecode', '/:tenant/oauth2/devicecode'], deviceCodeAnswer(service)],
  ];
  for (const [operation, paths, answer] of rows) {
    for (const path of paths) {
      app.post(path, { config: { operation } }, (request, reply) => {
        const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
        request.call.clientId = form.get('client_id')?.slice(0, 64) ?? '';
        return orTokenError(request, reply, service, () => answer(request, form));
      });
    }
  }
}

function tokenAnswer(service: Service): Answerer {
  return async (request, form) => {
    const { authorization } = request.headers;
    const origin = originOf(request, service);
    const asked = { tenant: tenantOf(request), form, authorization, host: request.host, origin };
    const { body, principal } = await requestToken(asked, service);
    request.call.principal = principal;
    return body;
  };
}

function deviceCodeAnswer(service: Service): Answerer {
  return async (request, form) => {
    assertTenant(tenantOf(request), service);
    const resource = form.get('resource');
    const scope = resource === null ? (form.get('scope') ?? '') : `${resource}/.default openid offline_access`;
    const { userCode, deviceCode } = service.deviceCodes.begin(clientIdOfForm(form), scope);
    const uri = `${originOf(request, service)}/devicelogin`;
    const number = (value: number) => (resource === null ? value : String(value));
    return {
      user_code: userCode,
      device_code: deviceCode,
      [resource === null ? 'verification_uri' : 'verification_url']: uri,
      expires_in: number(deviceCodeLifetimeS),
      interval: number(pollIntervalS),
      message: `To sign in, use a web browser to open the page ${uri} and enter the code ${userCode} to authenticate.`,
    };
  };
}
