// Faults that wait for the requests and connections they befall. Decides, does nothing itself.
import { type Chance, chanceFor } from '../random.ts';
import { badParameter } from '../service-error.ts';
import { type Fault, handshake } from './fault-model.ts';

/** What is asked about: a request, or the handshake of a connection. */
export interface Occasion {
  readonly operation: string;
  readonly key?: string | undefined;
  readonly method?: string;
}

/** A fault as it waits. */
export interface PendingFault extends Fault {
  /** Counts from 1. */
  readonly id: number;
  /** How often it can still strike. */
  readonly left: number | 'always';
  /** How often it did. */
  readonly struck: number;
}

interface Pending {
  readonly id: number;
  readonly fault: Fault;
  readonly chance: Chance;
  readonly untilMs: number;
  struck: number;
}

export class Faults {
  #pending: Pending[] = [];
  #count = 0;
  readonly #seed: number;
  readonly #nowMs: () => number;
  readonly #operations = new Set([handshake]);

  /** @param seed what the faults by rate follow from @param nowMs the clock that `forMs` goes by */
  constructor(seed: number, nowMs: () => number) {
    this.#seed = seed;
    this.#nowMs = nowMs;
  }

  /** Makes an operation known, so that a fault can name it. */
  know(operation: string): void {
    this.#operations.add(operation);
  }

  /** What a fault can name, sorted. */
  get operations(): readonly string[] {
    return [...this.#operations].sort();
  }

  /** Throws BadParameter for an operation that no route has. @returns its id */
  add(fault: Fault): number {
    if (fault.operation !== undefined && !this.#operations.has(fault.operation)) {
      throw badParameter(
        `Property operation is invalid: no operation is called ${fault.operation.slice(0, 40)}; known: ` +
          this.operations.join(', '),
      );
    }
    this.#count += 1;
    const untilMs = fault.forMs === undefined ? Number.POSITIVE_INFINITY : this.#nowMs() + fault.forMs;
    const chance = chanceFor(this.#seed, `fault ${this.#count}`);
    this.#pending.push({ id: this.#count, fault, chance, untilMs, struck: 0 });
    return this.#count;
  }

  clear(): void {
    this.#pending = [];
  }

  /** @returns whether there was one */
  remove(id: number): boolean {
    const before = this.#pending.length;
    this.#pending = this.#pending.filter((each) => each.id !== id);
    return this.#pending.length < before;
  }

  list(): PendingFault[] {
    this.#dropSpent();
    return this.#pending.map(({ id, fault, struck }) => ({ ...fault, id, struck, left: leftOf(fault, struck) }));
  }

  /** The oldest fault that strikes now, counted as used; at most one. */
  take(occasion: Occasion): Fault | undefined {
    if (this.#pending.length === 0) return undefined;
    this.#dropSpent();
    const found = this.#pending.find(({ fault, chance }) => {
      if (!befalls(fault, occasion)) return false;
      return fault.probability === undefined || chance() < fault.probability;
    });
    if (found === undefined) return undefined;
    found.struck += 1;
    this.#dropSpent();
    return found.fault;
  }

  #dropSpent(): void {
    const nowMs = this.#nowMs();
    this.#pending = this.#pending.filter(
      ({ fault, struck, untilMs }) => untilMs > nowMs && leftOf(fault, struck) !== 0,
    );
  }
}

const leftOf = ({ times }: Fault, struck: number) => (times === 'always' ? times : times - struck);

/** A fault for any operation is for requests: handshakes must be named. */
function befalls(fault: Fault, { operation, key, method }: Occasion): boolean {
  if (fault.operation === undefined ? operation === handshake : fault.operation !== operation) return false;
  if (fault.key !== undefined && fault.key.toLowerCase() !== key?.toLowerCase()) return false;
  return fault.method === undefined || fault.method === method;
}

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
