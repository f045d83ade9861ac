// Faults on request: the next matching requests are delayed, refused or cut off.
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';

export const faultBody = z.strictObject({
  /** As in the metrics, for example `sign` or `token`; any operation when absent. */
  operation: z.string().optional(),
  status: z.int().min(400).max(599).optional(),
  delayMs: z.int().min(0).max(600_000).optional(),
  /** How many requests it befalls. */
  times: z.int().min(1).default(1),
  retryAfterS: z.int().min(0).optional(),
  closeConnection: z.boolean().optional(),
});

export type Fault = z.output<typeof faultBody>;

export class Faults {
  #pending: { fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#pending.push({ fault, left: fault.times });
  }

  clear(): void {
    this.#pending = [];
  }

  list(): (Fault & { left: number })[] {
    return this.#pending.map(({ fault, left }) => ({ ...fault, left }));
  }

  /** Takes the oldest fault for this operation, if any, and uses it once. */
  take(operation: string): Fault | undefined {
    if (this.#pending.length === 0) return undefined;
    const found = this.#pending.find(({ fault }) => fault.operation === undefined || fault.operation === operation);
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#pending = this.#pending.filter((each) => each !== found);
    return found.fault;
  }
}

export const delay = (delayMs: number): Promise<void> => setTimeout(delayMs);

const codes: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'KeyNotFound',
  409: 'Conflict',
  429: 'Throttled',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

/** The error code that goes with a status. */
export const codeOfStatus = (status: number): string =>
  codes[status] ?? (status < 500 ? 'BadParameter' : 'InternalError');
