import { describe, expect, test } from 'vitest';
import type { Hsm, HsmIdentity } from '../core/hsm.ts';
import { traceFunctions, traceHsm } from './function-trace.ts';

class Counter {
  #count = 0;
  add(step: number): number {
    this.#count += step;
    return this.#count;
  }
  later(): Promise<number> {
    return Promise.resolve(this.#count);
  }
  fail(): never {
    throw new RangeError('s3cret words');
  }
}

let lines: string[] = [];
const write = (line: string) => lines.push(line.replace(/\d+ µs/, 'N µs'));
const traced = () => {
  lines = [];
  return traceFunctions(new Counter(), write, () => '');
};

describe('entry and exit of each function', () => {
  test('that returns at once', () => {
    expect(traced().add(2)).toBe(2);
    expect(lines).toEqual(['> Counter.add', '< Counter.add after N µs']);
  });

  test('that returns later', async () => {
    expect(await traced().later()).toBe(0);
    expect(lines).toEqual(['> Counter.later', '< Counter.later after N µs']);
  });

  test('that fails: the kind of failure, not its words', () => {
    expect(() => traced().fail()).toThrow(RangeError);
    expect(lines).toEqual(['> Counter.fail', '! RangeError from Counter.fail after N µs']);
  });
});

test('the same identity of an HSM stays the same object', () => {
  const identity = { name: 'client 1', sign: () => undefined } as unknown as HsmIdentity;
  const hsm: Hsm = { url: 'https://hsm', ownIdentity: undefined, identityOfPin: () => identity };
  const watched = traceHsm(hsm, write);
  expect(watched.identityOfPin(new Uint8Array())).toBe(watched.identityOfPin(new Uint8Array()));
});
