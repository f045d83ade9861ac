/**
 * A process of another user that does what its parent tells it, and says what came of it. It starts as root, since that
 * user may not enter this checkout, and becomes the user before it is told anything.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { argv, exit } from 'node:process';
import { Caller } from './caller.ts';

export interface Tasks {
  /** The length of a file or folder, or why it cannot be read. */
  readonly read: { readonly path: string };
  /** What the agent says to a hello without a ticket. */
  readonly greet: { readonly socket: string };
  /** Sends a process a signal. */
  readonly signal: { readonly pid: number; readonly signal: NodeJS.Signals };
  /** Connects so often and says nothing; how many are open when the last one is. */
  readonly hold: { readonly socket: string; readonly connections: number };
  /** Connects so often, sends nonsense, and is closed. */
  readonly babble: { readonly socket: string; readonly connections: number };
}

type Does = { readonly [T in keyof Tasks]: (task: Tasks[T]) => string | Promise<string> };

const held = new Set<Socket>();

function lengthOf(path: string): number {
  try {
    return readFileSync(path).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error;
    return readdirSync(path).length;
  }
}

async function hold(socket: string): Promise<void> {
  const connection = connect(socket);
  connection.on('error', () => undefined).on('close', () => held.delete(connection));
  await new Promise<void>((resolve) => connection.once('connect', resolve));
  held.add(connection);
}

const does: Does = {
  read: ({ path }) => {
    try {
      return String(lengthOf(path));
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code);
    }
  },
  greet: async ({ socket }) => {
    const caller = await Caller.connect(socket);
    const answer = await caller.hello();
    caller.end();
    return answer === undefined ? 'closed' : `${answer.rv} ${answer.message}`;
  },
  signal: ({ pid, signal }) => String(process.kill(pid, signal)),
  hold: async ({ socket, connections }) => {
    for (let i = 0; i < connections; i++) await hold(socket);
    return String(held.size);
  },
  babble: async ({ socket, connections }) => {
    for (let i = 0; i < connections; i++) {
      const caller = await Caller.connect(socket);
      caller.send(Buffer.from('ffffffff', 'hex'));
      await caller.closed;
    }
    return 'closed each time';
  },
};

const uid = Number(argv[2]);
process.setgroups?.([]);
process.setgid?.(uid);
process.setuid?.(uid);
process.on('message', async ([task, details]: [keyof Tasks, never]) => {
  process.send?.(await does[task](details));
});
process.on('disconnect', () => exit(0));
process.send?.('ready');
