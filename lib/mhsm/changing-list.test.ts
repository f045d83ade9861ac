/** A list that changes while it is read, and connections that end while nobody signs. */

import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ok, PIN, type Reply, refusal, ScriptedService, type Seen } from './scripted-service.ts';

let service: ScriptedService;

beforeAll(async () => {
  service = await ScriptedService.start();
});
afterEach(() => service.reset());
afterAll(() => service.stop());

const item = (name: string) => ({ kid: `${service.url}/keys/${name}`, attributes: { created: 1, updated: 1 } });

/** Pages of two by name, each going on after its last name, as the service's do. */
function pageOf(names: readonly string[], { path }: Seen): Reply {
  const after = new URL(path, service.url).searchParams.get('$skiptoken') ?? '';
  const rest = [...names].sort().filter((name) => name > after);
  const page = rest.slice(0, 2);
  const nextLink = `${service.url}/keys?$skiptoken=${page.at(-1)}`;
  return ok({ value: page.map(item), ...(rest.length > 2 && { nextLink }) });
}

const namesOf = (keys: readonly { name: string }[]) => keys.map(({ name }) => name).sort();

test('keys made and deleted between pages cost no key that was there throughout', async () => {
  const identity = await service.loggedIn();
  const names = ['b', 'd', 'f', 'h', 'j', 'l'];
  service.script = (seen, nth) => {
    const page = pageOf(names, seen);
    if (nth === 1) names.splice(0, 2, 'a');
    if (nth === 2) names.push('m');
    return page;
  };
  expect(namesOf(await identity.listKeys())).toEqual(expect.arrayContaining(['f', 'h', 'j', 'l', 'm']));
});

test.each([404, 410])('a next page that is gone with %i is a list read again, whole', async (status) => {
  const identity = await service.loggedIn();
  const names = ['a', 'b', 'c', 'd'];
  service.script = (seen, nth) => (nth === 2 ? refusal(status, 'NotFound', 'gone') : pageOf(names, seen));
  expect(namesOf(await identity.listKeys())).toEqual(names);
  expect(service.seen).toHaveLength(4);
});

test('a next page that is always gone is an error after three attempts', async () => {
  const identity = await service.loggedIn();
  service.script = (seen) =>
    seen.path.includes('skiptoken') ? refusal(410, 'Gone', 'gone') : pageOf(['a', 'b', 'c'], seen);
  await expect(identity.listKeys()).rejects.toThrow('410');
  expect(service.seen).toHaveLength(6);
});

test('of many who search in vain, one is told that its list may lack what is new, and a second later gets that', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const names = ['a'];
    service.script = (seen) => pageOf(names, seen);
    const identity = await service.loggedIn();
    const onSpared = vi.fn();
    const search = async () => namesOf(await identity.listKeys({ fresh: true, sparing: true, onSpared }));
    for (let i = 0; i < 3; i++) expect(await search()).toEqual(['a']);
    expect(onSpared).not.toHaveBeenCalled();
    names.push('new');
    expect(await search()).toEqual(['a']);
    expect(onSpared).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(1000);
    expect(await search()).toEqual(['a', 'new']);
    expect(onSpared).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});

test('a signature after the service ended all idle connections pays one new connection', async () => {
  const hsm = service.hsm({}, { ConnectionCache: { MaxConnections: 4 } });
  const identity = hsm.identityOfPin(PIN);
  await identity.authenticate();
  await vi.waitFor(() => expect(hsm.stats).toMatchObject({ connected: 4, free: 4 }));
  const before = service.connections;
  service.cutConnections();
  await vi.waitFor(() => expect(hsm.stats.connected).toBe(0));
  service.script = () => ok({ value: 'AQID' });
  expect(Buffer.from(await identity.sign('k', 'v', 'ES256', new Uint8Array(32)))).toEqual(Buffer.from([1, 2, 3]));
  expect(service.connections - before).toBe(1);
});
