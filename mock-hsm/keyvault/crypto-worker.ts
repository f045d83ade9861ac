// Worker thread: takes jobs, answers results. A key comes with its first job and is remembered by id,
// until it is told to forget it.
import type { KeyObject } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { type CryptoJob, runCryptoJob } from './crypto-job.ts';
import type { ForgetMessage, JobAnswer, JobMessage } from './crypto-pool.ts';

const keys = new Map<string, KeyObject>();

/** A structured clone turns a Buffer into a Uint8Array. */
const asBuffer = (bytes: Uint8Array | undefined) =>
  bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

function revive(job: CryptoJob): CryptoJob {
  const value = asBuffer(job.value) ?? Buffer.alloc(0);
  return { ...job, value, signature: asBuffer(job.signature), aad: asBuffer(job.aad) };
}

function answer({ sequence, keyId, key, job }: JobMessage): JobAnswer {
  const known = key ?? keys.get(keyId);
  // A fault of this program, which must not pass for one of the ciphertext: it ends the worker.
  if (known === undefined) throw new Error(`key ${keyId} was not sent`);
  keys.set(keyId, known);
  try {
    return { sequence, result: runCryptoJob(revive(job), known) };
  } catch (error) {
    return { sequence, error: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on('message', (message: JobMessage | ForgetMessage) => {
  if ('forget' in message) keys.delete(message.forget);
  else parentPort?.postMessage(answer(message));
});
