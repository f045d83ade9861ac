// Who may use the mock's own routes from a browser. They ask for no token, so any web page that a developer has open
// could send requests to them; only pages of the mock itself may.
//
// - Browsers say on every request over HTTPS where it comes from (`Sec-Fetch-Site`), and with every request that is not
//   a plain read its `Origin`. Programs (curl, fetch of Node, tests) send neither, and pass.
// - The `Host` must be a name of the mock, also to read: a foreign name that was made to lead to this machine (DNS
//   rebinding) is the same origin to a browser, but none of ours. An `Origin` must be that of the `Host`.
// - A body must be declared as JSON, which a foreign page cannot do without asking first; nothing here says yes.
// Reading by another origin is left to the browsers' same-origin policy: no answer here allows another origin to see it.
import type { FastifyRequest } from 'fastify';
import { isOwnHost } from '../identity/known-hosts.ts';
import type { Service } from '../service.ts';
import { ServiceError } from '../service-error.ts';
import type { App } from '../traffic/call.ts';

/** Adds the check to all routes below `/mock`, whoever adds them. */
export function keepToOwnSite(app: App, { hostnames }: Service): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const ours = /^\/mock(\/|$)/i.test(request.routeOptions.url ?? '');
    done(ours ? refusalOf(request, hostnames) : undefined);
  });
}

function refusalOf(request: FastifyRequest, hostnames: readonly string[]): ServiceError | undefined {
  const { headers, method, host = '' } = request;
  // Without a name it is no browser.
  if (host !== '' && !isOwnHost(host, hostnames)) return refused(`whoever comes by the name ${host.slice(0, 100)}`);
  if (method === 'GET' || method === 'HEAD') return undefined;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return refused(`a page of another site (${site})`);
  const { origin } = headers;
  if (origin !== undefined && origin !== `https://${host}`) {
    return refused(`the origin ${origin.slice(0, 100)}`);
  }
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && !/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    return new ServiceError(415, 'UnsupportedMediaType', 'The body must have the content type application/json');
  }
  return undefined;
}

const refused = (whom: string) =>
  new ServiceError(403, 'Forbidden', `Routes below /mock are not for ${whom}; use the page at /mock/ or curl`);
