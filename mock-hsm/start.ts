// A mock that listens. For programs and tests; the command line is bin.ts.
import type { FastifyInstance } from 'fastify';
import { type Assembly, assemble } from './assemble.ts';
import { standardLimits } from './http/limits.ts';
import { readBody } from './http/read-body.ts';
import { appServicePath } from './identity/app-service-identity.ts';
import { createMachineServer } from './identity/machine-server.ts';
import type { MockHsmOptions } from './options.ts';
import { createApp } from './server.ts';
import type { Service } from './service.ts';
import { faultBody } from './traffic/fault-model.ts';

export type { MockHsmOptions } from './options.ts';

/** What a client needs to log in as a service principal. */
export interface ServicePrincipal {
  readonly name: string;
  /** The application id. */
  readonly clientId: string;
  readonly clientSecret: string;
  /** The id that role assignments know. */
  readonly objectId: string;
}

export interface MockHsm {
  /** `https://localhost:{port}`, without the port when it is 443: base URL of the pool, and authority host. */
  readonly url: string;
  readonly port: number;
  /** Certificate of the CA that clients must trust. */
  readonly caPem: string;
  readonly tenantId: string;
  /** Has the role Managed HSM Administrator at `/` and no other. */
  readonly admin: ServicePrincipal;
  /** Has no role. */
  readonly client: ServicePrincipal;
  /** All other service principals that were there at the start, by name. */
  readonly principals: Readonly<Record<string, ServicePrincipal>>;
  /** Base URL of IMDS, for AZURE_POD_IDENTITY_AUTHORITY_HOST; with the option `imdsPort` alone. */
  readonly imdsUrl?: string;
  /** For IDENTITY_ENDPOINT, and the secret for IDENTITY_HEADER; with the option `imdsPort` alone. */
  readonly identityEndpoint?: string;
  readonly identityHeader?: string;
  /** Stops listening, closes all connections and the store. Again: the same end. */
  close(): Promise<void>;
}

/**
 * Starts a mock Managed HSM with its own CA and its own Entra ID.
 *
 * Throws an error with one clear line when the port or the data folder cannot be had.
 */
export async function startMockHsm(options: MockHsmOptions = {}): Promise<MockHsm> {
  const assembly = await assemble({ ...options, activated: options.activated ?? true });
  try {
    return await listen(options, assembly);
  } catch (error) {
    await assembly.close();
    throw error;
  }
}

async function listen(options: MockHsmOptions, assembly: Assembly): Promise<MockHsm> {
  const { service, authority, address, identityHeader, close } = assembly;
  const limits = { ...standardLimits, ...options.limits };
  const app = createApp(service, await service.certificates.first(), limits);
  const machineApp = options.imdsPort === undefined ? undefined : createMachineServer(service, identityHeader);
  for (const fault of options.faults ?? []) service.faults.add(readBody(faultBody, fault));
  await app.listen({ port: options.port ?? 0, host: options.listen ?? '127.0.0.1' });
  const port = portOf(app.server.address());
  // Without a default port: MSAL compares issuers as texts.
  address.url = new URL(`https://localhost:${port}`).origin;
  const machine = await listenForMachine(machineApp, options).catch(async (error: unknown) => {
    await app.close();
    throw error;
  });
  let closing: Promise<void> | undefined;
  const named = service.directory
    .all()
    .filter(({ kind, name }) => kind === 'ServicePrincipal' && name !== 'admin' && name !== 'client')
    .map(({ name }) => [name, credentials(service, name)] as const);
  return {
    url: address.url,
    port,
    caPem: authority.certPem,
    tenantId: service.tokens.tenantId,
    admin: credentials(service, 'admin'),
    client: credentials(service, 'client'),
    principals: Object.fromEntries(named),
    ...(machine === undefined
      ? {}
      : { imdsUrl: machine.url, identityEndpoint: `${machine.url}${appServicePath}`, identityHeader }),
    close: () => {
      closing ??= (async () => {
        await machine?.close();
        await app.close();
        await close();
      })();
      return closing;
    },
  };
}

/** The server of managed identity, if there is to be one. */
async function listenForMachine(app: FastifyInstance | undefined, { imdsPort, imdsListen }: MockHsmOptions) {
  if (app === undefined) return undefined;
  const host = imdsListen ?? '127.0.0.1';
  await app.listen({ port: imdsPort ?? 0, host });
  const port = portOf(app.server.address());
  const reached = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  // Without a default port, and an IPv6 address in brackets.
  const { origin } = new URL(`http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`);
  return { url: origin, close: () => app.close() };
}

/** With the newest secret that has not ended, or an empty one when there is none. */
function credentials({ directory, clock }: Service, name: string): ServicePrincipal {
  const { clientId, objectId, secrets } = directory.ensureServicePrincipal(name);
  const secret = secrets.findLast(({ expiresS }) => expiresS === undefined || expiresS > clock.nowS());
  return { name, clientId, clientSecret: secret?.value ?? '', objectId };
}

function portOf(address: string | { port: number } | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no TCP port');
  return address.port;
}
