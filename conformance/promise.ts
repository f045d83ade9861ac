/** A promise: what is promised, by which section, and the property that holds it. */

import * as fc from 'fast-check';
import type { Client } from './client.ts';
import type { Codec } from './codec.ts';

export interface PromiseText {
  /** How `--promise` and the report name it: letters and hyphens. */
  readonly id: string;
  readonly title: string;
  /** Where it is promised: a section of PKCS#11 2.40, a heading of its Usage Guide, or a document of this project. */
  readonly spec: string;
  /**
   * - `standard`: every module has to keep it.
   * - `ours`: where the standard leaves a choice, or where this library promises more.
   * - `codec`: about tags or frames; no PKCS#11 function is called.
   */
  readonly by: 'standard' | 'ours' | 'codec';
  /** What only a loaded module has (`module`), or only a subject that sees lengths (`lengths`). */
  readonly needs?: 'module' | 'lengths';
}

export interface Promised extends PromiseText {
  /** One run stands for so many: for what is slow. Undefined: the outcome hangs on nothing, one run is all. */
  readonly cost: number | undefined;
  property(means: Means): fc.IAsyncProperty<unknown[]>;
}

/** What a run of a promise is done with. */
export interface Means {
  /** A program of its own at the subject. */
  run(check: (client: Client) => Promise<void>): Promise<void>;
  /** The functions of tags and frames. */
  codec(): Codec;
}

type Definition = PromiseText & { cost?: number };

/** A promise about every input that `given` makes. */
export function promiseOf<T>(
  definition: Definition & { given: fc.Arbitrary<T>; check: (client: Client, input: T) => Promise<void> },
): Promised {
  const { given, check, cost = 1, ...text } = definition;
  return {
    ...text,
    cost,
    property: ({ run }) =>
      fc.asyncProperty(given, (input) => run((client) => check(client, input))) as fc.IAsyncProperty<unknown[]>,
  };
}

/** A promise about one course of calls. */
export function promise(definition: PromiseText & { check: (client: Client) => Promise<void> }): Promised {
  return { ...promiseOf({ ...definition, given: fc.constant(undefined) }), cost: undefined };
}

/** A promise about values alone. */
export function codecPromise<T>(
  definition: Omit<Definition, 'by'> & { given: fc.Arbitrary<T>; check: (codec: Codec, input: T) => void },
): Promised {
  const { given, check, cost = 1, ...text } = definition;
  return {
    ...text,
    by: 'codec',
    cost,
    property: ({ codec }) =>
      fc.asyncProperty(given, async (input) => check(codec(), input)) as unknown as fc.IAsyncProperty<unknown[]>,
  };
}
