// The mock's own routes that change what it is while it serves: clock, tokens, connections, certificate, activation.
import { z } from 'zod';
import { readBody } from '../http/read-body.ts';
import type { Service } from '../service.ts';
import { certificateKinds } from '../tls/server-certificates.ts';
import type { App } from './call.ts';
import { changeClock, clockChange } from './clock-changes.ts';

const tokenChange = z.strictObject({ lifetimeS: z.int().min(1).max(86_400), revoke: z.literal(true) }).partial();

const limitChange = z
  .strictObject({ idleTimeoutMs: z.int().min(0).max(86_400_000), maxRequests: z.int().min(0).max(1_000_000) })
  .partial();

const outageBody = z.strictObject({ forMs: z.int().min(1).max(600_000), cut: z.boolean().default(true) });

const certificateBody = z.strictObject({ kind: z.enum(certificateKinds) });

const activationBody = z.strictObject({ activated: z.boolean() });

export function controlRoutes(app: App, service: Service): void {
  clockRoutes(app, service);
  connectionRoutes(app, service);
  const { tokens, securityDomain } = service;
  const tokenState = () => ({ lifetimeS: tokens.lifetime.seconds });
  app.get('/mock/tokens', tokenState);
  app.post('/mock/tokens', (request) => {
    const { lifetimeS, revoke } = readBody(tokenChange, request.body);
    if (lifetimeS !== undefined) tokens.lifetime.seconds = lifetimeS;
    if (revoke === true) tokens.revokeAll();
    return tokenState();
  });
  const activation = () => ({ activated: securityDomain.isActivated });
  app.get('/mock/activation', activation);
  app.post('/mock/activation', (request) => {
    securityDomain.setActivated(readBody(activationBody, request.body).activated);
    return activation();
  });
}

function clockRoutes(app: App, { clock }: Service): void {
  const state = () => ({
    now: new Date(clock.nowMs()).toISOString(),
    frozen: clock.isFrozen,
    offsetMs: Math.round(clock.offsetMs),
  });
  app.get('/mock/clock', state);
  app.post('/mock/clock', (request) => {
    changeClock(clock, readBody(clockChange, request.body));
    return state();
  });
  app.delete('/mock/clock', () => {
    clock.setOffset(0);
    return state();
  });
}

function connectionRoutes(app: App, { listener, certificates }: Service): void {
  app.get('/mock/connections', () => listener.limits);
  app.post('/mock/connections', (request) => {
    const { idleTimeoutMs, maxRequests } = readBody(limitChange, request.body);
    const now = listener.limits;
    listener.limits = {
      idleTimeoutMs: idleTimeoutMs ?? now.idleTimeoutMs,
      maxRequests: maxRequests ?? now.maxRequests,
    };
    return listener.limits;
  });
  app.post('/mock/outage', (request, reply) => {
    const { forMs, cut } = readBody(outageBody, request.body);
    // The answer first, since its own connection may be cut.
    reply.raw.once('close', () => listener.interrupt(forMs, cut));
    reply.code(202).header('connection', 'close');
    return { forMs, cut };
  });
  app.get('/mock/certificate', () => certificates.describe());
  app.post('/mock/certificate', async (request) => {
    listener.present(await certificates.make(readBody(certificateBody, request.body).kind));
    return certificates.describe();
  });
}
