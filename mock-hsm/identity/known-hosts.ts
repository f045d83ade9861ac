// Which host names are this mock's, which are Entra ID's.
import { isIP } from 'node:net';

/** Names of Entra ID in the public cloud. */
export const loginHosts: readonly string[] = [
  'login.microsoftonline.com',
  'login.windows.net',
  'login.microsoft.com',
  'sts.windows.net',
];

/** A Host header without its port, lower case, IPv6 without brackets. */
export function hostnameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
}

/** Whether `host` (a Host header) is one of `names`, which may begin with `*.`. */
export function isNamed(host: string, names: readonly string[]): boolean {
  const hostname = hostnameOf(host);
  const parent = hostname.slice(hostname.indexOf('.') + 1);
  return names.some((name) => name.toLowerCase() === hostname || name.toLowerCase() === `*.${parent}`);
}

/** Whether it is localhost, an address, or a name that the mock was started with. */
export function isOwnHost(host: string, hostnames: readonly string[]): boolean {
  const hostname = hostnameOf(host);
  return hostname === 'localhost' || isIP(hostname) !== 0 || isNamed(host, hostnames);
}

/** Whether it is the mock's own, or Entra ID's. */
export const isKnownHost = (host: string, hostnames: readonly string[]): boolean =>
  isOwnHost(host, hostnames) || isNamed(host, loginHosts);
