import type { SubjectKind } from '../subject.ts';
import { core } from './core.ts';
import { moduleInC, softhsmInC } from './in-c.ts';
import { memory } from './memory.ts';
import { module } from './module.ts';
import { softhsm } from './softhsm.ts';

/** What promises can be held against, by the name that the command line takes. */
export const subjects = {
  memory,
  core,
  module,
  softhsm,
  'module-in-c': moduleInC,
  'softhsm-in-c': softhsmInC,
} as const satisfies Record<string, SubjectKind>;

export type SubjectName = keyof typeof subjects;
