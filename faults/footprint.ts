import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BIN } from '../demo/offload.ts';
import { mustRun } from '../demo/process.ts';
import type { Scene } from './scene.ts';

/** What the product holds at a moment. */
export interface Footprint {
  readonly agentKiB: number;
  readonly agentDescriptors: number;
  readonly launcherKiB: number;
  readonly launcherDescriptors: number;
  /** Of the server's master process, which lives as long as the server. */
  readonly masterKiB: number;
  readonly masterDescriptors: number;
  /** As the agent counts them: processes, their connections, their sessions, connections to the HSM. */
  readonly clients: number;
  readonly connections: number;
  readonly sessions: number;
  readonly hsmConnections: number;
}

function residentKiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/** Sum over the labels of a metric. Throws when the agent does not have it. */
function sumOf(metrics: string, name: string): number {
  const values = [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
  if (values.length === 0) throw new Error(`mhsm-p11 metrics says nothing of ${name}`);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** Of the one agent that serves: the newest, while one before it drains. */
export async function footprintOf({ offload, nginx }: Scene): Promise<Footprint> {
  const agent = (await offload.agents()).at(-1);
  const [launcher] = await offload.agents('launcher');
  if (agent === undefined || launcher === undefined) throw new Error('agent or launcher is gone');
  const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: offload.configurationFile };
  const { stdout } = await mustRun(join(BIN, 'mhsm-p11'), ['metrics'], { env });
  return {
    agentKiB: residentKiB(agent),
    agentDescriptors: descriptors(agent),
    launcherKiB: residentKiB(launcher),
    launcherDescriptors: descriptors(launcher),
    masterKiB: residentKiB(nginx.masterPid),
    masterDescriptors: descriptors(nginx.masterPid),
    clients: sumOf(stdout, 'mhsm_pkcs11_clients'),
    connections: sumOf(stdout, 'mhsm_pkcs11_client_connections'),
    sessions: sumOf(stdout, 'mhsm_pkcs11_sessions'),
    hsmConnections: sumOf(stdout, 'mhsm_pkcs11_hsm_connections'),
  };
}
