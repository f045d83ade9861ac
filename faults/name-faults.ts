import type { Fault, Struck } from './fault.ts';
import type { Gone } from './hsm-address.ts';
import { noOwnMounts } from './mount-namespace.ts';
import { renewAgent } from './process-faults.ts';
import type { Scene } from './scene.ts';

/** Of the library (lib/mhsm): it waits so long for a connection, to the old address too, and then so long before the next. */
const CONNECTION_ATTEMPT_MS = 5000;
const ASKED_AGAIN_MS = 1000;

/** From now on the agent reaches the HSM at an address that can go away. */
async function resolveByHosts(scene: Scene): Promise<void> {
  const { hsmAddress, nginx } = scene;
  if (hsmAddress.isTaken) return;
  await hsmAddress.takeOver(nginx.masterPid);
  await renewAgent(scene);
}

function addressGoes(how: Gone): Fault['strike'] {
  return async (scene): Promise<Struck> => {
    await resolveByHosts(scene);
    scene.hsmAddress.end(how);
    return { end: () => scene.hsmAddress.move() };
  };
}

/** The HSM under its name, which resolves to another address when the first one has gone: the end of the fault. */
export const NAME_FAULTS: readonly Fault[] = [
  {
    name: 'DNS change, old address silent',
    what: "the HSM's address falls silent, and after 15 s its name resolves to another one",
    missing: noOwnMounts,
    lastsMs: { whole: 15_000, short: 9500 },
    strike: addressGoes('silent'),
    bound: {
      failed: 'while it lasts',
      wait: 'deadline',
      established: 'go on',
      recoveryMs: CONNECTION_ATTEMPT_MS + ASKED_AGAIN_MS + 1000,
    },
    log: /https:\/\/\S+ did not answer in time/,
  },
  {
    name: 'DNS change, old address refuses',
    what: "nothing listens at the HSM's address, and after 10 s its name resolves to another one",
    missing: noOwnMounts,
    lastsMs: { whole: 10_000, short: 1500 },
    strike: addressGoes('closed'),
    bound: { failed: 'while it lasts', wait: 'moments', established: 'go on' },
    log: /cannot reach https:\/\/\S+: ECONNREFUSED/,
  },
];
