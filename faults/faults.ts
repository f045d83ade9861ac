import { CLOCK_FAULTS } from './clock-faults.ts';
import type { Fault } from './fault.ts';
import { HOST_FAULTS } from './host-faults.ts';
import { HSM_FAULTS } from './hsm-faults.ts';
import { IDENTITY_FAULTS } from './identity-faults.ts';
import { NAME_FAULTS } from './name-faults.ts';
import { PROCESS_FAULTS } from './process-faults.ts';

/** Everything that is done to the library, in the order of the report. Who starts after a key was rotated finds its new version. */
export const FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...HOST_FAULTS,
  ...CLOCK_FAULTS,
  ...HSM_FAULTS,
  ...NAME_FAULTS,
  ...IDENTITY_FAULTS,
];
