/** Signatures by REST alone: undici, kept-alive connections, one request at a time on each. */
import { Child } from '../child.ts';
import type { Point } from '../result.ts';
import type { LoadOrder, LoadResult } from '../sign-load.ts';
import type { Rig } from './rig.ts';
import type { LoadReport, Processes, Subject } from './subject.ts';

export class BareRest implements Subject {
  readonly #child = new Child('./sign-load.ts');
  readonly #order: Omit<LoadOrder, 'durationMs'>;

  private constructor(order: Omit<LoadOrder, 'durationMs'>) {
    this.#order = order;
  }

  static async open({ keyType, workers, maxConnections }: Point, rig: Rig): Promise<BareRest> {
    const request = await rig.hsm.bareRequest(await rig.key(keyType));
    const connections = Math.min(workers, maxConnections ?? workers);
    return new BareRest({ ...request, connections, lanes: workers });
  }

  async run(durationMs: number): Promise<LoadReport> {
    const { failure, ...load } = await this.#child.ask<LoadResult>({ ...this.#order, durationMs });
    return { ...load, failure: failure ?? '' };
  }

  async processes(): Promise<Processes> {
    return { agent: undefined, workers: [], client: [this.#child.pid] };
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
