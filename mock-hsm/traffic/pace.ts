// The waiting: an answer leaves when the profile says that the HSM is done and the network has carried it. Times follow
// from the virtual finish in the HSM, so that a late timer delays one answer and shifts none behind it.
import type { Service } from '../service.ts';
import { ServiceError } from '../service-error.ts';
import type { Call } from './call.ts';

/** Timers of Node count whole milliseconds and may fire a fraction early. */
const toleranceMs = 0.5;
/** Node takes a longer time for a very short one. */
const longestTimerMs = 2 ** 31 - 1;

/** Refuses with 429 what the profile limits. */
export function throttle({ operation }: Call, { profile, metrics }: Service): void {
  const waitMs = profile.throttle(operation, performance.now());
  if (waitMs === 0) return;
  metrics.countThrottled(operation);
  const headers = { 'retry-after': String(Math.ceil(waitMs / 1000)) };
  throw new ServiceError(429, 'Throttled', 'Too many requests of this kind; try again later', undefined, headers);
}

/**
 * Lets an answer wait for its time in the HSM and on the network. A refusal takes no time in the HSM.
 * @returns undefined when it may leave at once
 */
export function pace(call: Call, status: number, { profile, metrics }: Service): Promise<void> | undefined {
  const latencyMs = profile.nextLatencyMs();
  const arrivedMs = call.startMs + latencyMs / 2;
  const turn = status < 400 ? profile.enter(call.operation, call.keyType, arrivedMs) : undefined;
  if (turn !== undefined) {
    call.waitedMs = Math.round((turn.startMs - arrivedMs) * 1000) / 1000;
    metrics.observeTurn(turn.startMs - arrivedMs);
  }
  const leavesMs = (turn?.finishMs ?? arrivedMs) + latencyMs / 2;
  if (leavesMs - performance.now() <= toleranceMs) return undefined;
  metrics.held(1);
  return until(leavesMs).finally(() => metrics.held(-1));
}

async function until(timeMs: number): Promise<void> {
  for (;;) {
    const leftMs = timeMs - performance.now();
    if (leftMs <= toleranceMs) return;
    // It does not keep a process alive whose server has closed.
    await new Promise((resolve) => setTimeout(resolve, Math.min(Math.round(leftMs), longestTimerMs)).unref());
  }
}
