// Who may use the mock's own routes from a browser. They ask for no token, so any web page that a developer has open
// could send requests to them; only pages of the mock itself may.
//
// - Browsers say on every request over HTTPS where it comes from (`Sec-Fetch-Site`), and with every request that is not
//   a plain read its `Origin`. Programs (curl, fetch of Node, tests) send neither, and pass.
// - An `Origin` must be the mock's own, by a name that the mock has: a foreign name that was made to lead to this machine
//   (DNS rebinding) calls itself the same origin, but is none of ours.
// - A body must be declared as JSON, which a foreign page cannot do without asking first; nothing here says yes.
// Reading is left to the browsers' same-origin policy: no answer here allows another origin to see it.
import type { FastifyRequest } from 'fastify';
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
  const { headers, method, host } = request;
  if (method === 'GET' || method === 'HEAD') return undefined;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return refused(`a page of another site (${site})`);
  const { origin } = headers;
  if (origin !== undefined && (origin !== `https://${host}` || !isOwnName(new URL(origin).hostname, hostnames))) {
    return refused(`the origin ${origin.slice(0, 100)}`);
  }
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  if (hasBody && !/^application\/json\b/i.test(headers['content-type'] ?? '')) {
    return new ServiceError(415, 'UnsupportedMediaType', 'The body must have the content type application/json');
  }
  return undefined;
}

const refused = (whom: string) =>
  new ServiceError(403, 'Forbidden', `Routes below /mock cannot be changed by ${whom}; use the page at /mock/ or curl`);

/** Addresses are no names that somebody else could own. */
function isOwnName(name: string, hostnames: readonly string[]): boolean {
  if (name === 'localhost' || /^[\d.]+$/.test(name) || name.startsWith('[')) return true;
  return hostnames.some((own) =>
    own.startsWith('*.') ? name.endsWith(own.slice(1).toLowerCase()) : name === own.toLowerCase(),
  );
}
