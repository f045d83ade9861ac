// Where a job runs: quick ones here, slow ones in worker threads, so that the event loop goes on and all cores sign. One
// that comes alone stays here, too, unless it is long: the way to a worker and back would only make it later.
// Worker threads and not libuv's pool: node:crypto has no asynchronous form of the raw RSA operation.
import type { KeyObject } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type CryptoJob, type CryptoResult, runCryptoJob } from './crypto-job.ts';
import { RecentlyUsed } from './recently-used.ts';

export interface JobMessage {
  readonly sequence: number;
  readonly keyId: string;
  /** Sent with the first job of a key to a worker. */
  readonly key: KeyObject | undefined;
  readonly job: CryptoJob;
}

/** Comes after all jobs that were to use the key as the worker knows it. */
export interface ForgetMessage {
  readonly forget: string;
}

export interface JobAnswer {
  readonly sequence: number;
  readonly result?: CryptoResult;
  readonly error?: string;
}

/** A private or secret key with an id that never names another one. */
export interface LoadedKey {
  readonly id: string;
  readonly key: KeyObject;
}

interface Outcome {
  readonly resolve: (result: CryptoResult) => void;
  readonly reject: (error: Error) => void;
}

interface Seat {
  readonly worker: Worker;
  readonly knownKeys: RecentlyUsed<true>;
  readonly waiting: Map<number, Outcome>;
}

interface Arrival extends Outcome {
  readonly job: CryptoJob;
  readonly key: LoadedKey;
}

/** Keys whose material is in memory, here and in each worker. Opening one takes less than a millisecond. */
export const maxLoadedKeys = 500;

/** Algorithms cheaper than the way to a worker and back. */
const quick = /^(sign:ES256|(sign|verify):HS.*|(encrypt|decrypt):A\d.*|(encrypt|verify):(RSA.*|RS.*|PS.*))$/;

/** The worker that had the job is gone, whatever became of the job. It says nothing about key or value. */
export class CryptoWorkerError extends Error {
  override readonly name = 'CryptoWorkerError';
}

export class CryptoPool {
  #seats: Seat[] = [];
  #arrivals: Arrival[] = [];
  #sequence = 0;
  readonly #size: number;

  /** @param size worker threads; they start with the first slow job */
  constructor(size: number = availableParallelism()) {
    this.#size = size;
  }

  /** Rejects when a ciphertext does not decrypt; with a CryptoWorkerError when the worker ends, or the pool closes. */
  async run(job: CryptoJob, key: LoadedKey): Promise<CryptoResult> {
    if (quick.test(`${job.operation}:${job.algorithm}`)) return runCryptoJob(job, key.key);
    return new Promise((resolve, reject) => {
      this.#arrivals.push({ job, key, resolve, reject });
      // By then every request that can be read has been, so that it shows which jobs come together.
      if (this.#arrivals.length === 1) setImmediate(() => this.#place());
    });
  }

  #place(): void {
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    const [first] = arrivals;
    const isAlone = arrivals.length === 1 && this.#seats.every(({ waiting }) => waiting.size === 0);
    if (first !== undefined && isAlone && isShort(first.key)) runHere(first);
    else for (const arrival of arrivals) this.#send(arrival);
  }

  #send({ job, key, resolve, reject }: Arrival): void {
    const seat = this.#leastBusy();
    const isKnown = seat.knownKeys.get(key.id) === true;
    if (!isKnown) seat.knownKeys.set(key.id, true);
    this.#sequence += 1;
    const message: JobMessage = {
      sequence: this.#sequence,
      keyId: key.id,
      key: isKnown ? undefined : key.key,
      job: compact(job),
    };
    seat.waiting.set(message.sequence, { resolve, reject });
    seat.worker.postMessage(message);
  }

  /** Takes a key out of the memory of the workers; a later job may bring it again. */
  forget(keyId: string): void {
    for (const { knownKeys } of this.#seats) knownKeys.delete(keyId);
  }

  async close(): Promise<void> {
    for (const { reject } of this.#arrivals) reject(new CryptoWorkerError('the crypto pool is closed'));
    this.#arrivals = [];
    await Promise.all(this.#seats.map(({ worker }) => worker.terminate()));
    this.#seats = [];
  }

  #leastBusy(): Seat {
    // At first all of them; later those that take the place of workers that ended.
    while (this.#seats.length < this.#size) this.#seats.push(this.#startSeat());
    return this.#seats.reduce((best, seat) => (seat.waiting.size < best.waiting.size ? seat : best));
  }

  #startSeat(): Seat {
    const worker = new Worker(new URL('./crypto-worker.ts', import.meta.url));
    const forget = (keyId: string) => worker.postMessage({ forget: keyId } satisfies ForgetMessage);
    const seat: Seat = { worker, knownKeys: new RecentlyUsed(maxLoadedKeys, forget), waiting: new Map() };
    worker.unref();
    worker.on('message', ({ sequence, result, error }: JobAnswer) => {
      const job = seat.waiting.get(sequence);
      seat.waiting.delete(sequence);
      if (result === undefined) job?.reject(new Error(error));
      else job?.resolve(revive(result));
    });
    const fail = (reason: string, cause?: unknown) => {
      const error = new CryptoWorkerError(`a crypto worker ended: ${reason}`, { cause });
      for (const { reject } of seat.waiting.values()) reject(error);
      seat.waiting.clear();
      this.#seats = this.#seats.filter((other) => other !== seat);
    };
    worker.on('error', (error) => fail(error instanceof Error ? error.message : String(error), error));
    worker.on('exit', (code) => fail(`exit code ${code}`));
    return seat;
  }
}

/** Less than a millisecond in the event loop. */
const isShort = ({ key }: LoadedKey) => (key.asymmetricKeyDetails?.modulusLength ?? Number.POSITIVE_INFINITY) <= 2048;

function runHere({ job, key, resolve, reject }: Arrival): void {
  try {
    resolve(runCryptoJob(job, key.key));
  } catch (error) {
    reject(error instanceof Error ? error : new Error(String(error)));
  }
}

/** A small Buffer is a window on a shared slab, and a clone would copy the slab. */
function compact(job: CryptoJob): CryptoJob {
  const exact = (bytes: Buffer) => Buffer.from(Uint8Array.from(bytes).buffer);
  const signature = job.signature && exact(job.signature);
  return { ...job, value: exact(job.value), signature };
}

function revive(result: CryptoResult): CryptoResult {
  if (result.value === undefined) return result;
  return { ...result, value: Buffer.from(result.value.buffer, result.value.byteOffset, result.value.length) };
}
