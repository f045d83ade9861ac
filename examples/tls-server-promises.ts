import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HANDSHAKE_KINDS, type HandshakeKind } from '../demo/handshake.ts';
import { EC_LABEL, type Offload, RSA_LABEL, SERVER_NAME } from '../demo/offload.ts';
import { waitFor } from '../demo/process.ts';
import { moveSecondName } from '../demo/second-hsm.ts';
import { SECOND_LABEL, SECOND_NAME, type Site } from '../demo/site.ts';
import { Traffic } from '../demo/traffic.ts';
import type { Served } from './served-example.ts';

const NO_TICKETS = { secureOptions: constants.SSL_OP_NO_TICKET };

const UNKNOWN_CLIENT = /certificate required|handshake failure/;
/** It was reset while it waited, as its client was still connecting or was reading. */
const CUT = /^(connect|read) ECONNRESET/;
const REFUSED = /^HTTP\/1\.1 40[03]/;

type Resumption = [how: string, options: ConnectionOptions];

const TICKETS: readonly Resumption[] = [
  ['a TLS 1.3 ticket', { minVersion: 'TLSv1.3' }],
  ['a TLS 1.2 ticket', { maxVersion: 'TLSv1.2' }],
];
const SESSION_ID: Resumption = ['a TLS 1.2 session id', { maxVersion: 'TLSv1.2', ...NO_TICKETS }];

/** One signature, by the key of that kind, for a handshake. */
async function expectSigned({ site, port, ecPort = port }: Served, kind: HandshakeKind): Promise<void> {
  const signs = await site.handshake(kind.key === 'EC' ? ecPort : port, kind);
  expect(signs).toMatchObject(site.signatureOf(kind));
}

/** A handshake with the second name, signed by its key in its HSM. */
async function expectSecondName({ site, port, second }: Served): Promise<void> {
  const signs = await site.signsDuring(async () => {
    expect(await site.visit(port, { servername: SECOND_NAME })).toMatchObject({ subject: SECOND_NAME });
  }, second);
  expect(signs).toMatchObject([{ status: 200, key: site.keys.get(SECOND_LABEL)?.name }]);
}

/** Every kind of handshake, by the right key, and the second name. */
export function promiseHandshakes(served: () => Served): void {
  describe('handshakes', () => {
    test.each(HANDSHAKE_KINDS.map((kind) => [kind.protocol, kind.key, kind.algorithm, kind] as const))(
      '%s with the %s key are signed in the HSM as %s',
      async (_protocol, _key, _algorithm, kind) => {
        await expectSigned(served(), kind);
      },
    );

    test('a client that asks for the second name gets its certificate, signed with its key', async () => {
      await expectSecondName(served());
    });
  });
}

/**
 * Sessions that clients take up again.
 * @param keeps whether the server keeps sessions itself, for clients without tickets
 */
export function promiseResumption(served: () => Pick<Served, 'site' | 'port'>, { keeps = true } = {}): void {
  test.each(keeps ? [...TICKETS, SESSION_ID] : TICKETS)(
    'a session resumed with %s takes no signature',
    async (_how, options) => {
      const { site, port } = served();
      const { session, reused } = await site.visit(port, options);
      expect(reused).toBe(false);
      const signs = await site.signsDuring(async () => {
        const again = await site.visit(port, { ...options, ...(session && { session }) });
        expect(again).toMatchObject({ reused: true, answer: expect.stringMatching(/^HTTP\/1\.1 200/) });
      });
      expect(signs).toEqual([]);
    },
  );
}

const RSA_ALONE = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const;
const CERTIFICATES: readonly [label: string, options: ConnectionOptions][] = [
  [RSA_LABEL, RSA_ALONE],
  [EC_LABEL, {}],
  [SECOND_LABEL, { servername: SECOND_NAME }],
];

/**
 * The certificate's status, told with the certificate. Servers may ask for it when the first client wants it.
 * @param only the keys whose certificates the server has, when not all
 */
function promiseStapling(served: () => Served, only: readonly string[] = CERTIFICATES.map(([label]) => label)): void {
  test.each(CERTIFICATES.filter(([label]) => only.includes(label)))(
    'with the certificate of %s a good OCSP answer about it is stapled',
    async (label, options) => {
      const { site, port } = served();
      const answer = await waitFor('a stapled answer', async () => (await site.visit(port, options)).ocsp);
      expect(await site.authority.statusOf(site.keys.get(label)?.certificate ?? '', answer)).toBe('good');
    },
  );
}

/** A client with a certificate that comes twice: the second time it is let in by its session, and nothing is signed. */
async function expectSameClient(site: Site, port: number, options: ConnectionOptions): Promise<void> {
  const identity = await identityOf(site);
  const { session } = await site.visit(port, { ...options, ...identity });
  const signs = await site.signsDuring(async () => {
    const again = await site.visit(port, { ...options, ...identity, ...(session && { session }) });
    expect(again).toMatchObject({ reused: true, answer: expect.stringMatching(/^HTTP\/1\.1 200/) });
  });
  expect(signs).toEqual([]);
}

async function identityOf(site: Site): Promise<{ cert: Buffer; key: Buffer }> {
  const { certificate, key } = await site.authority.issueToClient('alice');
  return { cert: readFileSync(certificate), key: readFileSync(key) };
}

/** A port that is for clients with a certificate alone, beside one that is for all. */
export function promisePortForClients(served: () => Pick<Served, 'site' | 'port'> & { staffPort: number }): void {
  describe('a port for clients with a certificate', () => {
    test('lets in one that has it, and refuses another one', async () => {
      const { site, staffPort } = served();
      expect((await site.visit(staffPort, await identityOf(site))).answer).toMatch(/^HTTP\/1\.1 200/);
      await expect(site.visit(staffPort)).rejects.toThrow(UNKNOWN_CLIENT);
    });

    test.each([...TICKETS, SESSION_ID])(
      'takes up a session of one that has it with %s, without a signature',
      async (_how, options) => {
        const { site, staffPort } = served();
        await expectSameClient(site, staffPort, options);
      },
    );

    test.each([...TICKETS, SESSION_ID])(
      'lets nobody in by a session of the other port, taken up with %s',
      async (_how, options) => {
        const { site, port, staffPort } = served();
        const { session } = await site.visit(port, options);
        const again = site.visit(staffPort, { ...options, ...(session && { session }) });
        await expect(again).rejects.toThrow(UNKNOWN_CLIENT);
      },
    );
  });
}

/** @param path what only clients with a certificate may see */
function promiseClientCertificates(served: () => Served, path = '/staff'): void {
  describe('where clients need a certificate', () => {
    test('one that has it is let in, another one is refused', async () => {
      const { site, port } = served();
      expect((await site.visit(port, { path })).answer).toMatch(REFUSED);
      expect((await site.visit(port, { path, ...(await identityOf(site)) })).answer).toMatch(/^HTTP\/1\.1 200/);
    });

    test.each(TICKETS)(
      'one that has it takes up its session with %s as the same client, without a signature',
      async (_how, options) => {
        const { site, port } = served();
        await expectSameClient(site, port, { path, ...options });
      },
    );

    test.each(TICKETS)('one without it is refused when it takes up a session with %s, too', async (_how, options) => {
      const { site, port } = served();
      const { session } = await site.visit(port, { path, ...options });
      const again = await site.visit(port, { path, ...options, ...(session && { session }) });
      expect(again).toMatchObject({ reused: true, answer: expect.stringMatching(REFUSED) });
    });
  });
}

/** Clients that make one new connection after another, each of them, to the first name. */
const LANES = 2;

const traffic = ({ site, port }: Served): Traffic =>
  new Traffic({ port, certificateFiles: [site.authority.root], servername: SERVER_NAME, concurrency: LANES });

/** The handshakes that failed while `disturb` ran, and until 20 went well after it. */
async function failuresDuring(served: Served, disturb: (load: Traffic) => Promise<unknown>): Promise<string[]> {
  const load = traffic(served).start();
  await waitFor('traffic', () => (load.successes > 10 ? true : undefined));
  await disturb(load);
  const recovered = load.successes + 20;
  await waitFor('traffic after the disturbance', () => (load.successes > recovered ? true : undefined), 30);
  await load.stop();
  return load.failures;
}

/**
 * What an operator does to it, and what may happen to it.
 * @param rebinds whether it closes its listening sockets at a reload and opens others
 */
export function promiseOperation(served: () => Served, { rebinds = false } = {}): void {
  if (rebinds) {
    test('a reload cuts at most the connections that waited to be accepted, and refuses others until it listens again', async () => {
      const failures = await failuresDuring(served(), () => served().reload());
      const others = failures.filter((failure) => !failure.includes('ECONNREFUSED'));
      // A client has one connection at a time, and the sockets are closed once.
      expect(others.length).toBeLessThanOrEqual(LANES);
      expect(others.filter((failure) => !CUT.test(failure))).toEqual([]);
    });
  } else {
    test('a reload loses nothing', async () => {
      expect(await failuresDuring(served(), () => served().reload())).toEqual([]);
    });
  }

  test('kill -9 of the agent loses at most the handshakes in flight, without a reload', async () => {
    const { offload } = served().site;
    const [victim = 0] = await offload.agents();
    const failures = await failuresDuring(served(), async () => {
      process.kill(victim, 'SIGKILL');
      await waitFor('the next agent', async () =>
        (await offload.agents()).some((pid) => pid !== victim) ? true : undefined,
      );
    });
    expect(failures.length).toBeLessThanOrEqual(LANES);
  });

  test('it serves again after a restart', async () => {
    await served().restart();
    for (const kind of HANDSHAKE_KINDS) await expectSigned(served(), kind);
  });
}

/**
 * What every server here does with keys of one HSM. Its own promises come next, and `promiseTwoHsms` last.
 * @param staff what only clients with a certificate may see
 * @param stapled the keys whose certificates have an OCSP answer
 */
export function promiseServer(
  served: () => Served,
  { staff, stapled }: { staff?: string; stapled?: readonly string[] } = {},
): void {
  promiseHandshakes(served);
  promiseResumption(served);
  promiseStapling(served, stapled);
  promiseClientCertificates(served, staff);
  promiseOperation(served);
}

/** The longest that a signature takes when its HSM gives no answer: short, for tests. */
export const AWAY_REQUEST_MS = 5000;
/** What a client bears then. Engines ask twice, and each asks for itself. */
const PATIENCE_MS = 3 * AWAY_REQUEST_MS;

/** The HSM of the second name accepts connections and answers nothing, which is worse than one that is not there. */
async function whileAway(second: Offload, work: () => Promise<unknown>): Promise<void> {
  process.kill(second.mock.pid ?? 0, 'SIGSTOP');
  try {
    await work();
  } finally {
    process.kill(second.mock.pid ?? 0, 'SIGCONT');
  }
}

/**
 * Of two HSMs, each with a name's keys, one is away.
 * @param served a server with `timeouts.requestMs` AWAY_REQUEST_MS
 */
export function promiseOneHsmAway(served: () => Served & { second: Offload }): void {
  test('while one HSM is away, the server itself refuses its name in time, and every client of the other name is served', async () => {
    const { site, port, second } = served();
    const failures = await failuresDuring(served(), (load) =>
      whileAway(second, async () => {
        const before = load.successes;
        for (let i = 0; i < 2; i++) {
          const refused = site.visit(port, { servername: SECOND_NAME, timeout: PATIENCE_MS });
          await expect(refused).rejects.toThrow(/alert/);
        }
        await waitFor('handshakes with the other name', () => (load.successes > before + 10 ? true : undefined));
      }),
    );
    expect(failures).toEqual([]);
  });

  test('after that its name is served again, without a reload', async () => {
    await waitFor('a signature', () =>
      expectSecondName(served()).then(
        () => true,
        () => undefined,
      ),
    );
  });
}

/** With the second name's key moved to a second HSM, and the server restarted. The last promise of a file: it stays so. */
export function promiseTwoHsms(served: () => Served): void {
  describe('with two HSMs', () => {
    let second: Offload;
    const servedByTwo = (): Served & { second: Offload } => ({ ...served(), second });

    beforeAll(async () => {
      second = await moveSecondName(served().site, AWAY_REQUEST_MS);
      await served().restart();
    });

    afterAll(async () => {
      await second?.stop();
    });

    test('each name is signed for by the HSM that has its key', async () => {
      for (const kind of HANDSHAKE_KINDS) await expectSigned(served(), kind);
      await expectSecondName(servedByTwo());
    });

    promiseOneHsmAway(servedByTwo);
  });
}
