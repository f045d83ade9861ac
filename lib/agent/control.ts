import { readSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { TICKET_KEY_BYTES } from './ticket.ts';

/** The way back to the launcher: a socket pair that it opened before it started the agent. */
export interface Control {
  readonly ticketKey: Uint8Array;
  /** Says that calls are answered from now on. */
  ready(): void;
  /** Asks for a successor on the same listening socket. */
  askForSuccessor(): void;
  /** Says that it was told to stop, and still has something to end. */
  endsStill(): void;
  /** Calls back when a successor is ready, and once when the launcher is gone: nobody starts a successor then. */
  watch(callbacks: { readonly successorReady: () => void; readonly launcherGone: () => void }): void;
}

const READY = 'r';
const SUCCESSOR = 'n';
const ENDS_STILL = 'e';

/** It may have gone, or not read: `watch` finds out, and no agent ends for it. */
function tell(descriptor: number, byte: string): void {
  try {
    writeSync(descriptor, byte);
  } catch {}
}

/** Reads the ticket key that the launcher sends first. Throws when the descriptor gives less. */
export function openControl(descriptor: number): Control {
  const ticketKey = Buffer.alloc(TICKET_KEY_BYTES);
  let filled = 0;
  while (filled < TICKET_KEY_BYTES) {
    const bytes = readSync(descriptor, ticketKey, filled, TICKET_KEY_BYTES - filled, null);
    if (bytes === 0) throw new Error(`descriptor ${descriptor} ended after ${filled} bytes of the ticket key`);
    filled += bytes;
  }
  return {
    ticketKey,
    ready: () => writeSync(descriptor, READY),
    askForSuccessor: () => tell(descriptor, SUCCESSOR),
    endsStill: () => tell(descriptor, ENDS_STILL),
    watch: ({ successorReady, launcherGone }) => {
      const socket = new Socket({ fd: descriptor, readable: true, writable: false });
      socket.on('error', () => socket.destroy());
      socket.once('close', launcherGone);
      // The launcher says nothing else.
      socket.on('data', successorReady);
    },
  };
}
