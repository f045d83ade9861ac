import { AsyncLocalStorage } from 'node:async_hooks';
import type { INetworkModule, NetworkRequestOptions, NetworkResponse } from '@azure/msal-node';
import { request } from 'undici';
import type { Credential } from './credential.ts';
import type { AccessToken } from './token-source.ts';
import { type Trace, traced } from './trace.ts';

/**
 * Tokens of the machine's managed identity, by MSAL, which knows the endpoints of virtual machines, App Service, Arc and
 * Service Fabric. Not by @azure/identity: its credential gives the same token from a cache of the whole process until it
 * ends, also when the HSM has refused it.
 */

const IMDS_PATH = '/metadata/identity/oauth2/token';
const ATTEMPT_MS = 5_000;

/** Leads requests for the metadata service to the configured address. */
export function metadataUrl(url: string, imdsEndpoint: string | undefined): string {
  const { pathname, search } = new URL(url);
  return imdsEndpoint === undefined || pathname !== IMDS_PATH
    ? url
    : `${new URL(imdsEndpoint).origin}${pathname}${search}`;
}

interface Fetch {
  readonly imdsEndpoint: string | undefined;
  readonly trace: Trace;
}

/** For whom a request is: MSAL keeps the first network that it was given for all tokens of the process. */
const fetching = new AsyncLocalStorage<Fetch>();

/** HTTP for MSAL, never through a proxy: the endpoint is on this machine. */
class MachineNetwork implements INetworkModule {
  sendGetRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#send('GET', url, options);
  }

  sendPostRequestAsync<T>(url: string, options?: NetworkRequestOptions): Promise<NetworkResponse<T>> {
    return this.#send('POST', url, options);
  }

  #send<T>(method: 'GET' | 'POST', address: string, options: NetworkRequestOptions = {}): Promise<NetworkResponse<T>> {
    const { headers = {}, body = null } = options;
    const { imdsEndpoint, trace = {} } = fetching.getStore() ?? {};
    const url = metadataUrl(address, imdsEndpoint);
    return traced(trace, { method, url }, async () => {
      const answer = await request(url, { method, headers, body, signal: AbortSignal.timeout(ATTEMPT_MS) });
      const entries = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
      const parsed = (await answer.body.json()) as T;
      return { status: answer.statusCode, headers: Object.fromEntries(entries), body: parsed };
    });
  }
}

/** A new token for a resource. */
export async function managedIdentityToken(
  { clientId, imdsEndpoint }: Credential & { kind: 'managed' },
  resource: string,
  trace: Trace,
): Promise<AccessToken> {
  const { ManagedIdentityApplication } = await import('@azure/msal-node');
  const application = new ManagedIdentityApplication({
    ...(clientId === undefined ? {} : { managedIdentityIdParams: { userAssignedClientId: clientId } }),
    system: { networkClient: new MachineNetwork() },
  });
  const acquire = () => application.acquireToken({ resource, forceRefresh: true });
  const { accessToken, expiresOn } = await fetching.run({ imdsEndpoint, trace }, acquire);
  if (accessToken === '' || expiresOn === null) throw new Error('no token came');
  return { token: accessToken, expiresOnTimestamp: expiresOn.getTime() };
}
