import { afterAll, beforeAll, describe, test } from 'vitest';
import { applies, hold } from './check.ts';
import { makeKeys } from './keys.ts';
import { keepProgram } from './program.ts';
import { promises } from './promises/all.ts';
import type { Subject } from './subject.ts';
import { type SubjectName, subjects } from './subjects/all.ts';

/** The same in every run: what is broken here today was broken by today's change. The long form draws its seed. */
const SEED = 1;
/** The short form of `npm run conformance`: every promise, a few runs each. */
const RUNS: Readonly<Record<SubjectName, number>> = {
  memory: 30,
  core: 4,
  module: 6,
  softhsm: 8,
  'module-in-c': 6,
  'softhsm-in-c': 6,
};
const names = Object.keys(subjects) as SubjectName[];

describe.each(names)('%s', (name) => {
  let subject: Subject;

  beforeAll(async () => {
    subject = await subjects[name].open();
    await makeKeys(subject);
  });
  afterAll(() => subject?.close());

  for (const promise of promises.filter((each) => applies(each, subjects[name]))) {
    test(promise.title, async () => {
      const effort = { runs: RUNS[name], seed: SEED };
      const { failure } = await hold(promise, subject, effort);
      if (failure === undefined) return;
      const again = `npm run conformance -- --subject ${name} --promise ${promise.id} --runs ${effort.runs} --seed ${SEED}`;
      const { message, counterexample, replay } = failure;
      const program =
        replay === undefined ? 'none' : keepProgram({ promise, subject, failure: { ...failure, replay } });
      throw new Error(`${message}\ninput: ${counterexample}\nagain: ${again}\nas a program: node ${program}`);
    });
  }
});
