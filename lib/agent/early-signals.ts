/**
 * Keeps signals that come while an agent is still starting, which would end the program otherwise. To be imported before
 * anything that takes time.
 */

const SIGNALS = ['SIGHUP', 'SIGTERM'] as const;
export type AgentSignal = (typeof SIGNALS)[number];

let heed: ((signal: AgentSignal) => void) | undefined;
const early = new Set<AgentSignal>();

for (const signal of SIGNALS) process.on(signal, () => (heed === undefined ? early.add(signal) : heed(signal)));

/** Gives every signal to `handler`: at once those that came before, each of them once. */
export function heedSignals(handler: (signal: AgentSignal) => void): void {
  heed = handler;
  for (const signal of early) handler(signal);
  early.clear();
}
