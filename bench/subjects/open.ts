/** Which subject belongs to a point. */
import type { Point } from '../result.ts';
import { BareRest } from './bare-rest.ts';
import { ModuleSigns } from './module-signs.ts';
import { NginxHandshakes } from './nginx-handshakes.ts';
import type { Rig } from './rig.ts';
import type { Subject } from './subject.ts';

type Opener = (point: Point, rig: Rig) => Promise<Subject>;

const OPENERS: Readonly<Record<Point['signer'], Partial<Record<Point['load'], Opener>>>> = {
  library: { signs: ModuleSigns.ofLibrary, handshakes: NginxHandshakes.ofLibrary },
  'library-uncached': { signs: ModuleSigns.ofLibrary, handshakes: NginxHandshakes.ofLibrary },
  'bare-rest': { signs: BareRest.open },
  softhsm: { signs: ModuleSigns.ofSoftHsm, handshakes: NginxHandshakes.ofSoftHsm },
  pem: { handshakes: NginxHandshakes.ofPem },
};

/** Ready for its first load; the HSM has the speed that the point asks for. */
export async function openSubject(point: Point, rig: Rig): Promise<Subject> {
  const open = OPENERS[point.signer][point.load];
  if (open === undefined) throw new Error(`${point.signer} cannot be measured by ${point.load}`);
  if (point.hsm !== null) await rig.hsm.setSpeed(point.hsm);
  return rig.hsm.metered(await open(point, rig), point);
}
