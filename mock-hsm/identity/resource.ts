// What the pool is called as a resource of Entra ID, by the host a client reaches it at.
import { isIP } from 'node:net';
import { isNamed } from './known-hosts.ts';

export const managedHsmAudience = 'https://managedhsm.azure.net';

const poolSuffix = '.managedhsm.azure.net';

/**
 * What the pool is called for a request with this Host header: by the host's parent where the host is one of the
 * service's or of `hostnames`. Any other host is of the caller's choosing, and its parent may be another service.
 */
export const poolResource = (host: string, hostnames: readonly string[]): string =>
  isNamed(host, [`*${poolSuffix}`, ...hostnames]) ? resourceFor(host) : managedHsmAudience;

/**
 * The resource of the 401 challenge for a host that is the pool's.
 *
 * Clients demand that their host ends with `.` and the resource's host; Python's compares ports too, so a port other
 * than 443 comes along. localhost and IP addresses can satisfy no client's check and get the service's own name.
 */
export function resourceFor(host: string): string {
  const { hostname, port } = splitHost(host);
  const parent = hostname.slice(hostname.indexOf('.') + 1);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || !hostname.includes('.')) return managedHsmAudience;
  return `https://${parent}${port === '443' ? '' : `:${port}`}`;
}

/** Whether a client came by the service's own name, as with a hosts file entry. */
export const isServiceHost = (host: string) => splitHost(host).hostname.endsWith(poolSuffix);

/** Host names are lower-cased; the port is 443 when none is given. */
function splitHost(host: string): { hostname: string; port: string } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host.toLowerCase());
  return { hostname: match?.[1] ?? '', port: match?.[2] ?? '443' };
}
