// Where a user approves the login of a device: a page for people, and a route of the mock's own for tests.
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { readBody } from '../http/read-body.ts';
import type { Service } from '../service.ts';
import { badParameter } from '../service-error.ts';
import type { App } from '../traffic/call.ts';

const approval = z.object({
  userCode: z.string(),
  /** Name or user principal name of who approves. */
  user: z.string().optional(),
  decline: z.boolean().optional(),
});

/** Adds `/devicelogin` and `/mock/devicelogin`. */
export function deviceLoginRoutes(app: App, service: Service): void {
  const { deviceCodes, directory } = service;
  app.get('/devicelogin', { config: { operation: 'deviceLogin' } }, (_request, reply) => sendPage(reply, 200, ''));
  app.post('/devicelogin', { config: { operation: 'deviceLogin' } }, (request, reply) => {
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
    const user = directory.byUpn(form.get('username') ?? '');
    if (user === undefined || user.password !== form.get('password')) {
      return sendPage(reply, 400, 'User name or password is wrong.');
    }
    request.call.principal = user.objectId;
    if (!deviceCodes.answer(form.get('code') ?? '', user.objectId))
      return sendPage(reply, 400, 'No login waits for this code.');
    return sendPage(reply, 200, 'Done. The device is signed in; you can close this page.');
  });
  app.get('/mock/devicelogin', () =>
    deviceCodes.pending().map(({ userCode, clientId, scope, expiresS }) => ({ userCode, clientId, scope, expiresS })),
  );
  app.post('/mock/devicelogin', (request) => {
    const { userCode, user: named, decline } = readBody(approval, request.body);
    const user = directory.byUpn(named ?? '') ?? directory.byName(named ?? '');
    if (decline !== true && user?.kind !== 'User') throw badParameter(`There is no user ${named ?? ''}`);
    const answered = deviceCodes.answer(userCode, decline === true ? undefined : user?.objectId);
    if (!answered) throw badParameter(`No login waits for the code ${userCode.slice(0, 20)}`);
    return { userCode, approved: decline !== true };
  });
}

/** @param message one of our own sentences, never something a caller wrote */
function sendPage(reply: FastifyReply, status: number, message: string): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
    .send(page(message));
}

const page = (message: string) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in on a device - mock-hsm</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 4rem auto; padding: 0 1rem; }
  label { display: block; margin: 1rem 0 0; }
  input, button { font: inherit; width: 100%; padding: .5rem; box-sizing: border-box; }
  button { margin-top: 1.5rem; }
</style>
<h1>Sign in on a device</h1>
<p role="status">${message}</p>
<form method="post" action="/devicelogin">
  <label>Code from the device <input name="code" autocomplete="off" autocapitalize="characters" required></label>
  <label>User name <input name="username" type="email" autocomplete="username" required></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>
</html>
`;
