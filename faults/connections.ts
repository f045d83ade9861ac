import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const ESTABLISHED = '01';

/** Inodes of the connections to a port of this host, as the kernel lists them (proc(5), /proc/net/tcp). */
function inodesOf(port: number): Set<string> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  const ours = rows.filter(([, local, , state]) => local?.endsWith(suffix) && state === ESTABLISHED);
  return new Set(ours.map((columns) => columns[9] ?? ''));
}

/** How many TCP connections a process has accepted on this port and holds. */
export function connectionsOf(pid: number, port: number): number {
  const folder = `/proc/${pid}/fd`;
  const inodes = inodesOf(port);
  const held = readdirSync(folder).map((name) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1]);
  return held.filter((inode) => inode !== undefined && inodes.has(inode)).length;
}
