/** The modules in a C program, which forks: for the state machine. */

import type { Subject, SubjectKind } from '../subject.ts';
import { CProgram } from './c-program.ts';
import { module } from './module.ts';
import { softhsm } from './softhsm.ts';

/** The same tokens as a module has through pkcs11js, each program a process of its own. */
function inC(name: string, title: string, { open, isOurs }: SubjectKind): SubjectKind {
  const traits = { title, isOurs, isModule: true, seesLengths: true, forks: true, promises: ['state-machine'] };
  return {
    ...traits,
    open: async (): Promise<Subject> => {
      const subject = await open();
      const { drive } = subject;
      if (drive === undefined) throw new Error(`${subject.name} is no module that a C program could load`);
      return { ...subject, ...traits, name, start: () => CProgram.start(drive) };
    },
  };
}

export const moduleInC = inC('module-in-c', 'libmhsm-pkcs11.so in a C program and its forks', module);
export const softhsmInC = inC('softhsm-in-c', 'SoftHSM 2 in a C program and its forks', softhsm);
