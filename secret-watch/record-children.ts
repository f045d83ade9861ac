/** Loaded before every test file: notes what its child processes print, whoever starts them and reads it. */

import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import type { Readable } from 'node:stream';
import { noteOutput } from './evidence.ts';

/** Sees what arrives without reading it: a reader of its own would take it from the test. */
function overhear(stream: Readable | null, program: string): void {
  if (stream === null) return;
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) noteOutput(program, chunk);
    return push(chunk, encoding);
  };
}

subscribe('child_process', (message) => {
  const child = (message as { process: ChildProcess }).process;
  // Its streams are there when `spawn` has returned.
  process.nextTick(() => {
    overhear(child.stdout, child.spawnfile ?? 'unknown');
    overhear(child.stderr, child.spawnfile ?? 'unknown');
  });
});
