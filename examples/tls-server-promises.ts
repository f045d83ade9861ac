import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { HANDSHAKE_KINDS, type HandshakeKind } from '../demo/handshake.ts';
import { type Offload, SERVER_NAME } from '../demo/offload.ts';
import { waitFor } from '../demo/process.ts';
import { SECOND_LABEL, SECOND_NAME, type Site } from '../demo/site.ts';
import { Traffic } from '../demo/traffic.ts';

/** A server of an example that runs with a site's keys. */
export interface Served {
  site: Site;
  port: number;
  /** Where the EC certificate of the first name is, if not at the same port. */
  ecPort?: number;
  /** The HSM with the key of the second name, if not the site's. */
  second?: Offload;
  /** As its service script does; resolves when new connections meet what was read. */
  reload(): Promise<void>;
  /** Stops it and starts it again. */
  restart(): Promise<void>;
}

const NO_TICKETS = { secureOptions: constants.SSL_OP_NO_TICKET };

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
      const { site, port, second } = served();
      const signs = await site.signsDuring(async () => {
        expect(await site.visit(port, { servername: SECOND_NAME })).toMatchObject({ subject: SECOND_NAME });
      }, second);
      expect(signs).toMatchObject([{ status: 200, key: site.keys.get(SECOND_LABEL)?.name }]);
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

/** The certificate's status, told with the certificate. Servers may ask for it when the first client wants it. */
export function promiseStapling(served: () => Served): void {
  test.each([SERVER_NAME, SECOND_NAME])(
    'the OCSP answer about the certificate of %s is stapled',
    async (servername) => {
      const { site, port } = served();
      const answer = await waitFor('a stapled answer', async () => (await site.visit(port, { servername })).ocsp);
      // OCSPResponseStatus successful (RFC 6960, 4.2.1): an enumeration of one byte, 0.
      expect(answer.includes(Buffer.from('0a0100', 'hex'))).toBe(true);
    },
  );
}

/** @param path what only clients with a certificate may see */
export function promiseClientCertificates(served: () => Served, path = '/staff'): void {
  test('a client with a certificate is let in where one without is refused', async () => {
    const { site, port } = served();
    const { certificate, key } = await site.authority.issueToClient('alice');
    const identity = { cert: readFileSync(certificate), key: readFileSync(key) };
    expect((await site.visit(port, { path })).answer).toMatch(/^HTTP\/1\.1 40[03]/);
    expect((await site.visit(port, { path, ...identity })).answer).toMatch(/^HTTP\/1\.1 200/);
  });
}

/** How a connection fails that meets no listening socket. */
const UNBOUND = /ECONNRE(SET|FUSED)/;

/**
 * What an operator does to it, and what may happen to it.
 * @param rebinds whether it closes its listening sockets at a reload and opens others
 */
export function promiseOperation(served: () => Served, { rebinds = false } = {}): void {
  const traffic = ({ site, port }: Served): Traffic =>
    new Traffic({ port, certificateFiles: [site.authority.root], servername: SERVER_NAME, concurrency: 2 });

  /** The handshakes that failed while `disturb` ran, and until 20 went well after it. */
  async function failuresOf(disturb: () => Promise<unknown>): Promise<string[]> {
    const load = traffic(served()).start();
    await waitFor('traffic', () => (load.successes > 10 ? true : undefined));
    await disturb();
    const recovered = load.successes + 20;
    await waitFor('traffic after the disturbance', () => (load.successes > recovered ? true : undefined), 30);
    await load.stop();
    return load.failures;
  }

  test(`a reload loses nothing${rebinds ? ' but connections that wait while it opens its sockets anew' : ''}`, async () => {
    const failures = await failuresOf(() => served().reload());
    expect(failures.filter((failure) => !(rebinds && UNBOUND.test(failure)))).toEqual([]);
  });

  test('kill -9 of the agent loses at most the handshakes in flight, without a reload', async () => {
    const { offload } = served().site;
    const [victim = 0] = await offload.agents();
    const failures = await failuresOf(async () => {
      process.kill(victim, 'SIGKILL');
      await waitFor('the next agent', async () =>
        (await offload.agents()).some((pid) => pid !== victim) ? true : undefined,
      );
    });
    expect(failures.length).toBeLessThanOrEqual(2);
  });

  test('it serves again after a restart', async () => {
    await served().restart();
    for (const kind of HANDSHAKE_KINDS) await expectSigned(served(), kind);
  });
}
