import { describe } from 'vitest';
import { whyNoTrixie } from '../demo/trixie.ts';

/** Tests of what runs in Debian 13 (demo/trixie.ts); where that cannot be, one line says why they are skipped. */
export function describeOnDebian13(what: string, tests: () => void): void {
  describe.skipIf(whyNoTrixie(what) !== undefined)(what, tests);
}
