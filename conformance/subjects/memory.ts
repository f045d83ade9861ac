/** The core in process with keys in memory: no server, for many runs. */

import { randomBytes } from 'node:crypto';
import { Library } from '../../lib/core/library.ts';
import { MemoryHsm } from '../../lib/core/memory-hsm.ts';
import { firstOf, type Subject, type SubjectKind, type Traits } from '../subject.ts';
import { InProcess } from './in-process.ts';

const SLOTS = [3, 8];
const PIN = Buffer.from('client:secret');
const WRONG_PIN = Buffer.from('client:wrong');

const traits: Traits = {
  title: 'the core in process, keys in memory',
  isOurs: true,
  isModule: false,
  seesLengths: true,
};

async function open(): Promise<Subject> {
  const library = new Library({
    slots: SLOTS.map((slotId) => ({ slotId, label: `conformance ${slotId}`, hsm: new MemoryHsm() })),
    random: (bytes) => randomBytes(bytes),
    allowDestroy: true,
  });
  const tokens = SLOTS.map((slot) => ({ slot, pin: PIN, wrongPin: WRONG_PIN }));
  return {
    name: 'memory',
    ...traits,
    ...firstOf(tokens),
    start: () => new InProcess(library),
    startBeside: () => new InProcess(library),
    close: async () => undefined,
  };
}

export const memory: SubjectKind = { ...traits, open };
