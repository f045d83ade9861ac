/** The core in process with keys in memory: no server, for many runs. */

import { randomBytes } from 'node:crypto';
import { Library } from '../../lib/core/library.ts';
import { MemoryHsm } from '../../lib/core/memory-hsm.ts';
import type { Subject, SubjectKind, Traits } from '../subject.ts';
import { InProcess } from './in-process.ts';

const SLOT = 3;

const traits: Traits = {
  title: 'the core in process, keys in memory',
  isOurs: true,
  isModule: false,
  seesLengths: true,
};

async function open(): Promise<Subject> {
  const library = new Library({
    slots: [{ slotId: SLOT, label: 'conformance', hsm: new MemoryHsm() }],
    random: (bytes) => randomBytes(bytes),
    allowDestroy: true,
  });
  return {
    name: 'memory',
    ...traits,
    slot: SLOT,
    pin: Buffer.from('client:secret'),
    wrongPin: Buffer.from('client:wrong'),
    start: () => new InProcess(library),
    close: async () => undefined,
  };
}

export const memory: SubjectKind = { ...traits, open };
