// Backups and restores as the pool reports them: one at a time, each taking a moment of the pool's clock.
import { randomUUID } from 'node:crypto';
import { operationInProgress } from '../service-error.ts';

export type JobKind = 'backup' | 'restore';

export interface Job {
  readonly kind: JobKind;
  /** 32 hex digits. */
  readonly id: string;
  readonly startMs: number;
  /** Where a backup went, once it is there. */
  readonly folderUri?: string | undefined;
}

/** How long a job is InProgress. */
export const jobDurationMs = 1000;

/** Polls to come at once, as pools ask for. */
export const retryAfterS = 0;

export class Jobs {
  readonly #jobs = new Map<string, Job>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Throws Conflict while another job runs. */
  assertFree(): void {
    const running = [...this.#jobs.values()].find((job) => this.#isRunning(job));
    if (running !== undefined) throw operationInProgress(running.kind);
  }

  /** Notes a job that begins now. @param folderUri for a backup: container and folder */
  start(kind: JobKind, folderUri?: string): Job {
    this.assertFree();
    const job: Job = { kind, id: randomUUID().replaceAll('-', ''), startMs: this.#nowMs(), folderUri };
    this.#jobs.set(job.id, job);
    return job;
  }

  find(kind: JobKind, id: string): Job | undefined {
    const job = this.#jobs.get(id.toLowerCase());
    return job?.kind === kind ? job : undefined;
  }

  /** The body of a status answer. */
  statusOf(job: Job) {
    const isRunning = this.#isRunning(job);
    const folder = job.kind === 'backup' ? { azureStorageBlobContainerUri: isRunning ? null : job.folderUri } : {};
    return {
      ...folder,
      endTime: isRunning ? null : Math.floor((job.startMs + jobDurationMs) / 1000),
      // Pools answer an error object full of nulls while they do not know.
      error: isRunning ? { code: null, innererror: null, message: null } : null,
      jobId: job.id,
      startTime: Math.floor(job.startMs / 1000),
      status: isRunning ? 'InProgress' : 'Succeeded',
      statusDetails: null,
    };
  }

  #isRunning({ startMs }: Job): boolean {
    return this.#nowMs() < startMs + jobDurationMs;
  }
}
