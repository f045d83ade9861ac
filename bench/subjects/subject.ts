/** What is put under load at one point of the sweep. */

/** What a load of some time counted. */
export interface LoadReport {
  /** Operations that succeeded, a second. */
  readonly perSecond: number;
  readonly count: number;
  readonly failures: number;
  /** Why one of them failed; empty when none did. */
  readonly failure: string;
  /** Of those that succeeded. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
}

/** Process ids, for processor time and memory. */
export interface Processes {
  readonly agent: number | undefined;
  /** Who calls the signer: workers of nginx, or the program whose threads sign. */
  readonly workers: readonly number[];
  /** Who makes the load and is not a worker. */
  readonly client: readonly number[];
}

export interface Subject {
  /** Loads for this time, one operation after another in each lane. @param most operations, where somebody pays for them */
  run(durationMs: number, most?: number): Promise<LoadReport>;
  processes(): Promise<Processes>;
  stop(): Promise<void>;
}
