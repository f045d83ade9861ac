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
  /** Memory of its own, not shared with the master, of the largest worker that serves. */
  readonly workerKiB: number;
  /** Workers that serve and those that still end their last connections. */
  readonly workers: number;
  /** As the agent counts them: processes, their connections, their sessions, connections to the HSM. */
  readonly clients: number;
  readonly connections: number;
  readonly sessions: number;
  readonly hsmConnections: number;
}

function memoryKiB(pid: number, kind: 'VmRSS' | 'RssAnon'): number {
  return Number(new RegExp(`^${kind}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

const residentKiB = (pid: number) => memoryKiB(pid, 'VmRSS');

const descriptors = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

/** Sum over the labels of a metric. Throws when the agent does not have it. */
function sumOf(metrics: string, name: string): number {
  const values = [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
  if (values.length === 0) throw new Error(`mhsm-p11 metrics says nothing of ${name}`);
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The only one there is: a second one is a successor or a restart, which nothing here asks for. Throws then. */
async function onlyOne({ offload }: Scene, program: 'agent' | 'launcher'): Promise<number> {
  const [pid, ...others] = await offload.agents(program);
  if (pid === undefined || others.length > 0) {
    throw new Error(
      `${others.length + (pid === undefined ? 0 : 1)} processes of the ${program}, 1 is expected: see its log`,
    );
  }
  return pid;
}

export const servingAgent = (scene: Scene) => onlyOne(scene, 'agent');

/** Memory of its own of the largest worker that serves. */
export async function workerKiB({ nginx }: Scene): Promise<number> {
  return Math.max(...(await nginx.workers()).map((pid) => memoryKiB(pid, 'RssAnon')));
}

async function childrenOf(pid: number): Promise<number> {
  return (await mustRun('ps', ['-o', 'pid=', '--ppid', String(pid)])).stdout.trim().split('\n').length;
}

export async function footprintOf(scene: Scene): Promise<Footprint> {
  const { offload, nginx } = scene;
  const [agent, launcher] = [await servingAgent(scene), await onlyOne(scene, 'launcher')];
  const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: offload.configurationFile };
  const { stdout } = await mustRun(join(BIN, 'mhsm-p11'), ['metrics'], { env });
  return {
    agentKiB: residentKiB(agent),
    agentDescriptors: descriptors(agent),
    launcherKiB: residentKiB(launcher),
    launcherDescriptors: descriptors(launcher),
    masterKiB: residentKiB(nginx.masterPid),
    masterDescriptors: descriptors(nginx.masterPid),
    workerKiB: await workerKiB(scene),
    workers: await childrenOf(nginx.masterPid),
    clients: sumOf(stdout, 'mhsm_pkcs11_clients'),
    connections: sumOf(stdout, 'mhsm_pkcs11_client_connections'),
    sessions: sumOf(stdout, 'mhsm_pkcs11_sessions'),
    hsmConnections: sumOf(stdout, 'mhsm_pkcs11_hsm_connections'),
  };
}
