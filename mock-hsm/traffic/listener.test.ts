import { createServer } from 'node:https';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { assemble } from '../assemble.ts';
import { createApp } from '../server.ts';
import { makeServerCertificate } from '../tls/certificate-authority.ts';
import { Listener } from './listener.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A listener whose server seems to listen. @returns it, and the call that would make the server listen again */
function interrupted(forMs: number) {
  const server = createServer();
  vi.spyOn(server, 'listening', 'get').mockReturnValue(true);
  vi.spyOn(server, 'address').mockReturnValue({ port: 1, address: '127.0.0.1', family: 'IPv4' });
  vi.spyOn(server, 'close').mockReturnValue(server);
  const listen = vi.spyOn(server, 'listen').mockReturnValue(server);
  const listener = new Listener();
  listener.attach(server);
  listener.interrupt(forMs, true);
  return { listener, listen };
}

test('an outage is over after its time, and not before', () => {
  const { listen } = interrupted(1000);
  vi.advanceTimersByTime(999);
  expect(listen).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(listen).toHaveBeenCalledTimes(1);
});

test('an outage that is stopped, as the mock does when it ends, never listens again', () => {
  const { listener, listen } = interrupted(1000);
  listener.stop();
  vi.advanceTimersByTime(10_000);
  expect(listen).not.toHaveBeenCalled();
});

test('a mock that closes stops its outage', async () => {
  vi.useRealTimers();
  const { service, authority, close } = await assemble({});
  const app = createApp(service, await makeServerCertificate(authority, ['localhost'], new Date()));
  const stop = vi.spyOn(service.listener, 'stop');
  await app.close();
  await close();
  expect(stop).toHaveBeenCalledTimes(1);
});
