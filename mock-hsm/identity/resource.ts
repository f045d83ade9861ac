// What the pool is called as a resource of Entra ID, by the host a client reaches it at.
import { isIP } from 'node:net';

export const managedHsmAudience = 'https://managedhsm.azure.net';

const poolSuffix = '.managedhsm.azure.net';

/**
 * The resource of the 401 challenge for a Host header.
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
