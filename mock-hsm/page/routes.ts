// The page at /mock/ and the JSON it is made from. As all of `/mock/`, they ask for no token.
import type { FastifyRequest } from 'fastify';
import { queryValue } from '../http/request.ts';
import type { Service } from '../service.ts';
import { keyNotFound } from '../service-error.ts';
import type { App } from '../traffic/call.ts';
import { allowedAnswer, principalsAnswer, rolesAnswer } from './access-views.ts';
import type {
  AllowedAnswer,
  FaultFormAnswer,
  KeyAnswer,
  KeysAnswer,
  LogAnswer,
  PrincipalsAnswer,
  RolesAnswer,
  TrafficAnswer,
} from './api.ts';
import { assetRoutes } from './assets.ts';
import { faultFormAnswer } from './fault-form.ts';
import { keyAnswer, keysAnswer } from './key-views.ts';
import { logAnswer } from './log-answer.ts';
import { keepToOwnSite } from './own-site.ts';
import { TrafficMeter } from './traffic-meter.ts';

const sampleEveryMs = 1000;

/** Adds the page, its data, and the check that only its own pages use what is below `/mock`. */
export function pageRoutes(app: App, service: Service): void {
  keepToOwnSite(app, service);
  assetRoutes(app);
  const meter = startMeter(app, service);
  const { keys, log, directory } = service;
  app.get('/mock/traffic', (request): TrafficAnswer => ({ samples: meter.since(numberOf(request, 'since')) }));
  app.get('/mock/log', (request): LogAnswer => {
    const question = { after: numberOf(request, 'after'), filter: textOf(request, 'filter') };
    return logAnswer(log, question, (objectId) => directory.byObjectId(objectId)?.name);
  });
  app.get('/mock/keys', (request): KeysAnswer => keysAnswer(keys.ring.all(), textOf(request, 'search')));
  app.get('/mock/keys/:name', (request): KeyAnswer => {
    const { name } = request.params as { name: string };
    const key = keys.ring.find(name);
    if (key === undefined) throw keyNotFound(name.slice(0, 127));
    return keyAnswer(key);
  });
  app.get('/mock/faults/form', (): FaultFormAnswer => faultFormAnswer(service.faults));
  app.get('/mock/principals', (): PrincipalsAnswer => principalsAnswer(service));
  app.get('/mock/roles', (): RolesAnswer => rolesAnswer(service));
  app.get('/mock/allowed', (request): AllowedAnswer => {
    const [principal, action, scope] = ['principal', 'action', 'scope'].map((name) => textOf(request, name));
    return allowedAnswer({ principal: principal ?? '', action: action ?? '', scope: scope ?? '' }, service);
  });
}

/** Goes by the machine's clock: a clock that stands still for keys and tokens does not stop traffic. */
function startMeter(app: App, { log, metrics }: Service): TrafficMeter {
  const meter = new TrafficMeter(log, () => metrics.now, Date.now());
  const timer = setInterval(() => meter.sample(Date.now()), sampleEveryMs).unref();
  app.addHook('onClose', () => clearInterval(timer));
  return meter;
}

const textOf = (request: FastifyRequest, name: string) => queryValue(request, name)?.slice(0, 400) ?? '';

function numberOf(request: FastifyRequest, name: string): number {
  const text = textOf(request, name);
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
