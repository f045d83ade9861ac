/** The target with a counter at every statement, function and branch of the wire's sources. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { createInstrumenter } from 'istanbul-lib-instrument';

const VARIABLE = 'mhsmWireCoverage';
/** A place reached once, twice, four times, … is as many features: loops count, and not each of their rounds. */
const BUCKETS = 8;

type Counts = number[] | Record<number, number>;
interface Counters {
  readonly s: Counts;
  readonly f: Counts;
  readonly b: Record<number, number[]>;
}

export class InstrumentedTarget {
  readonly #fuzz: (data: Buffer) => void;
  readonly #counts: { readonly of: Counts; readonly length: number; readonly from: number }[] = [];
  readonly places: number;
  readonly #features: Uint8Array;

  private constructor(fuzz: (data: Buffer) => void, counters: Counters) {
    this.#fuzz = fuzz;
    let from = 0;
    for (const of of [counters.s, counters.f, ...Object.values(counters.b)]) {
      const { length } = Object.keys(of);
      this.#counts.push({ of, length, from });
      from += length;
    }
    this.places = from;
    this.#features = new Uint8Array(from * BUCKETS);
    this.#take(() => undefined);
  }

  static async load(): Promise<InstrumentedTarget> {
    const bundle = await build({
      entryPoints: [join(import.meta.dirname, 'target.ts')],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      write: false,
    });
    const folder = mkdtempSync(join(tmpdir(), 'mhsm-fuzz-'));
    const path = join(folder, 'target.cjs');
    const instrumenter = createInstrumenter({ coverageVariable: VARIABLE, esModules: false, compact: true });
    writeFileSync(path, instrumenter.instrumentSync(bundle.outputFiles[0]?.text ?? '', path));
    try {
      const { fuzz } = createRequire(path)(path) as { fuzz: (data: Buffer) => void };
      const counters = (globalThis as unknown as Record<string, Record<string, Counters>>)[VARIABLE]?.[path];
      if (counters === undefined) throw new Error(`${path} has no counters`);
      return new InstrumentedTarget(fuzz, counters);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Counters that were reached since the last call, as feature numbers; they begin at zero again. */
  #take(feature: (number: number) => void): void {
    for (const { of, length, from } of this.#counts)
      for (let i = 0; i < length; i++) {
        const count = of[i] ?? 0;
        if (count === 0) continue;
        of[i] = 0;
        feature((from + i) * BUCKETS + Math.min(BUCKETS - 1, 31 - Math.clz32(count)));
      }
  }

  /** Runs the target and gives its features. Throws what the target throws. */
  featuresOf(data: Buffer): number[] {
    this.#fuzz(data);
    const features: number[] = [];
    this.#take((number) => features.push(number));
    return features;
  }

  /** Runs the target; true when a feature is seen that no input had before. */
  reachesNew(data: Buffer): boolean {
    this.#fuzz(data);
    let isNew = false;
    this.#take((number) => {
      if (this.#features[number] !== 0) return;
      this.#features[number] = 1;
      isNew = true;
    });
    return isNew;
  }

  get reached(): { places: number; features: number } {
    const features = this.#features.reduce((sum, seen) => sum + seen, 0);
    let places = 0;
    for (let at = 0; at < this.#features.length; at += BUCKETS)
      if (this.#features.subarray(at, at + BUCKETS).includes(1)) places++;
    return { places, features };
  }
}
