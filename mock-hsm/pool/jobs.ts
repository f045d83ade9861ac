// Backups and restores as the pool reports them: one at a time, each taking a moment of the pool's clock.
import { randomUUID } from 'node:crypto';
import { operationInProgress } from '../service-error.ts';

export type JobKind = 'backup' | 'restore';

export interface Job {
  readonly kind: JobKind;
  /** 32 hex digits. */
  readonly id: string;
  readonly startMs: number;
  readonly outcome: Outcome;
}

/** What a job says of itself at its end. */
export interface Outcome {
  /** Where a backup went. */
  readonly folderUri?: string;
  readonly details?: string;
  /** Why it failed; absent when it succeeded. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** How long a job is InProgress. */
export const jobDurationMs = 1000;

/** When pools ask clients to poll. */
export const retryAfterS = 10;

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

  /** Notes a job that begins now. */
  start(kind: JobKind, outcome: Outcome = {}): Job {
    this.assertFree();
    const job: Job = { kind, id: randomUUID().replaceAll('-', ''), startMs: this.#nowMs(), outcome };
    this.#jobs.set(job.id, job);
    return job;
  }

  find(kind: JobKind, id: string): Job | undefined {
    const job = this.#jobs.get(id.toLowerCase());
    return job?.kind === kind ? job : undefined;
  }

  /** The body of the answer that starts a job. Of a backup, pools do not answer the members by name. */
  startOf({ kind, id, startMs }: Job) {
    const startTime = Math.floor(startMs / 1000);
    const [status, statusDetails, error, endTime] = ['InProgress', null, null, null] as const;
    if (kind === 'restore') return { endTime, error, jobId: id, startTime, status, statusDetails };
    return { status, statusDetails, error, startTime, endTime, jobId: id, azureStorageBlobContainerUri: null };
  }

  /** The body of a status answer. */
  statusOf(job: Job) {
    const isRunning = this.#isRunning(job);
    const { folderUri, details, failure }: Outcome = isRunning ? {} : job.outcome;
    const ended = failure === undefined ? 'Succeeded' : 'Failed';
    return {
      ...(job.kind === 'backup' ? { azureStorageBlobContainerUri: folderUri ?? null } : {}),
      endTime: isRunning ? null : Math.floor((job.startMs + jobDurationMs) / 1000),
      error: failure === undefined ? null : { code: failure.code, innererror: null, message: failure.message },
      jobId: job.id,
      startTime: Math.floor(job.startMs / 1000),
      status: isRunning ? 'InProgress' : ended,
      statusDetails: details ?? null,
    };
  }

  #isRunning({ startMs }: Job): boolean {
    const passedMs = this.#nowMs() - startMs;
    // A clock that was moved back behind the start must not keep the pool busy.
    return passedMs >= 0 && passedMs < jobDurationMs;
  }
}
