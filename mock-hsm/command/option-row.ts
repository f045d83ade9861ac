// One option of `mock-hsm serve`.
import type { MockHsmOptions } from '../options.ts';

export interface OptionRow {
  readonly field: keyof MockHsmOptions;
  readonly flags: string;
  readonly description: string;
  /** Heading in the help text. */
  readonly group: 'Server' | 'Identity' | 'Pool' | 'Capacity and latency' | 'Faults and clock';
  /** Absent for a switch. */
  readonly read?: (text: string, before: never) => unknown;
  /** What is said in the help text; without the option the field stays unset. */
  readonly standard?: string;
}
