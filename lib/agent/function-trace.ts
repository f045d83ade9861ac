/**
 * Entry and exit of the functions inside (log.module.FunctionLevelTrace): of the core, and of what it asks of the HSM.
 * Names alone, and never an argument but the name of a key.
 */

import type { Hsm, HsmIdentity } from '../core/hsm.ts';

type Write = (line: string) => void;
type Method = (...args: unknown[]) => unknown;

/** Runs a function between two lines. */
function between(write: Write, name: string, work: () => unknown): unknown {
  const beginMs = performance.now();
  const leave = (mark: string) => write(`${mark} ${name} after ${Math.round((performance.now() - beginMs) * 1000)} µs`);
  const failed = (error: unknown): never => {
    leave(`! ${error instanceof Error ? error.name : 'failure'} from`);
    throw error;
  };
  write(`> ${name}`);
  try {
    const result = work();
    if (!(result instanceof Promise)) {
      leave('<');
      return result;
    }
    return result.then((value: unknown) => {
      leave('<');
      return value;
    }, failed);
  } catch (error) {
    return failed(error);
  }
}

/** The same object with a line at the entry and the exit of each of its methods. */
export function traceFunctions<T extends object>(target: T, write: Write, describe: (args: unknown[]) => string): T {
  const kind = target.constructor.name;
  return new Proxy(target, {
    get(_, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = value as Method;
      return (...args: unknown[]) =>
        between(write, `${kind}.${String(property)}${describe(args)}`, () => method.apply(target, args));
    },
  });
}

const withoutArguments = () => '';
/** The first argument of an identity's methods names the key; of createKey it is an object with its name. */
function keyNameOf([first]: unknown[]): string {
  if (typeof first === 'string') return ` ${first}`;
  const name = (first as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' ? ` ${name}` : '';
}

/** An application whose calls are traced. */
export function traceApplication<T extends object>(application: T, write: Write): T {
  return traceFunctions(application, write, withoutArguments);
}

/** An HSM whose identities are traced. The same identity stays the same object: the core tells them apart by that. */
export function traceHsm(hsm: Hsm, write: Write): Hsm {
  const traced = new WeakMap<HsmIdentity, HsmIdentity>();
  const of = (identity: HsmIdentity): HsmIdentity => {
    const existing = traced.get(identity) ?? traceFunctions(identity, write, keyNameOf);
    traced.set(identity, existing);
    return existing;
  };
  return {
    url: hsm.url,
    ownIdentity: hsm.ownIdentity && of(hsm.ownIdentity),
    identityOfPin: (pin) => of(hsm.identityOfPin(pin)),
  };
}
