import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { WireError } from '../bytes.ts';
import { readCorpus } from './corpus.ts';
import { InstrumentedTarget } from './instrumented.ts';
import { MAX_INPUT_BYTES } from './mutate.ts';
import { fuzz, reencode } from './target.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const NATIVE = join(ROOT, 'native');
const C_CORPUS = join(NATIVE, 'fuzz/corpus');
const CORPUS = join(import.meta.dirname, 'corpus');

// Beside other test files that build: one at a time.
beforeAll(() => {
  execFileSync('flock', [join(NATIVE, 'Makefile'), 'make', '-s', '-C', NATIVE, 'c', 'fuzz'], { stdio: 'inherit' });
}, 300_000);

describe('the decoder in C', () => {
  test.each(['wire', 'answers', 'relay'])(
    '%s: nothing is broken by the corpus and 50,000 mutants of it',
    async (name) => {
      // Where it puts what it finds: the kept corpus changes by `npm run fuzz:c` alone.
      const found = mkdtempSync(join(tmpdir(), 'mhsm-fuzz-'));
      const limits = ['-seed=1', '-runs=50000', `-max_len=${MAX_INPUT_BYTES}`, `-artifact_prefix=${found}-`];
      const program = join(NATIVE, 'build/fuzz/fuzz', name);
      const { stderr } = await run(program, [...limits, found, join(C_CORPUS, name)], { maxBuffer: 1 << 26 });
      rmSync(found, { recursive: true });
      expect(stderr).toMatch(/Done 50000 runs/);
    },
  );
});

describe('the decoder in TypeScript', () => {
  test('nothing is broken by the corpora and 50,000 mutants of them', async () => {
    const args = ['--runs', '50000', '--seed', '1', '--seeds', join(C_CORPUS, 'wire')];
    const { stdout } = await run(execPath, [join(import.meta.dirname, 'run.ts'), ...args]);
    expect(stdout).toMatch(/^50000 runs/);
  });

  test('what is reached is counted: a call that no other input has is new once', async () => {
    const target = await InstrumentedTarget.load();
    const [first, second] = readCorpus(CORPUS);
    if (first === undefined || second === undefined) throw new Error('the corpus is empty');
    expect(target.reachesNew(first)).toBe(true);
    expect(target.reachesNew(first)).toBe(false);
    expect(target.featuresOf(first)).not.toEqual(target.featuresOf(second));
  });

  test('a frame above the limit and an unknown call are refused, which breaks nothing', () => {
    expect(() => fuzz(Buffer.from([0x73, 0, 0xff, 0xff, 0xff, 0xff]))).not.toThrow();
    expect(() => fuzz(Buffer.from('q\0\0'))).not.toThrow();
    expect(() => reencode('q', Buffer.alloc(2))).toThrow(WireError);
  });
});

/** What C makes of each body: its own encoding without the prefix, or null where it refuses. */
function reencodedByC(kind: string, bodies: readonly Buffer[]): (Buffer | null)[] {
  const input = bodies.flatMap((body) => {
    const head = Buffer.alloc(5, kind);
    head.writeUInt32LE(body.length, 1);
    return [head, body];
  });
  const program = join(NATIVE, 'build/test/wire_echo');
  const { stdout, status } = spawnSync(program, { input: Buffer.concat(input), maxBuffer: 1 << 26 });
  expect(status).toBe(0);
  let at = 0;
  return bodies.map(() => {
    const length = stdout.readUInt32LE(at);
    at += 4 + length;
    return length === 0 ? null : stdout.subarray(at - length, at);
  });
}

function reencodedByTypeScript(kind: 'q' | 'a', body: Buffer): Buffer | 'not UTF-8' | null {
  try {
    return reencode(kind, body);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return error.message.includes('not UTF-8') ? 'not UTF-8' : null;
  }
}

/** Text is the one thing that C takes as it comes: it goes to terminals and to blank padded fields. */
function expectSame(kind: 'q' | 'a', bodies: readonly Buffer[]): void {
  const byC = reencodedByC(kind, bodies);
  for (const [i, body] of bodies.entries()) {
    const byTypeScript = reencodedByTypeScript(kind, body);
    if (byTypeScript === 'not UTF-8') continue;
    // C copies the items of a list as they lie in the frame, so their spelling is made one here.
    const accepted = byC[i] ?? null;
    expect(accepted && reencodedByTypeScript(kind, accepted), body.toString('hex')).toEqual(byTypeScript);
  }
}

describe('both decoders', () => {
  const inputs = [...readCorpus(CORPUS), ...readCorpus(join(C_CORPUS, 'wire'))];
  const bodiesOf = (kind: 'q' | 'a') =>
    inputs.filter((input) => input[0] === kind.charCodeAt(0)).map((input) => input.subarray(1));

  test.each(['q', 'a'] as const)('accept and refuse the same of the corpora, and read the same in it (%s)', (kind) => {
    expect(bodiesOf(kind).length).toBeGreaterThan(10);
    expectSame(kind, bodiesOf(kind));
  });

  test.each(['q', 'a'] as const)('and of frames with bytes of other frames in them (%s)', (kind) => {
    const bodies = bodiesOf(kind);
    const body = fc.constantFrom(...bodies);
    const spliced = fc
      .tuple(body, body, fc.nat(MAX_INPUT_BYTES), fc.nat(MAX_INPUT_BYTES), fc.boolean())
      .map(([head, tail, from, to, same]) =>
        Buffer.concat([head.subarray(0, from), (same ? head : tail).subarray(same ? from : to)]),
      );
    fc.assert(
      fc.property(fc.array(spliced, { minLength: 100, maxLength: 300 }), (batch) => expectSame(kind, batch)),
      { numRuns: 20 },
    );
  });
});

test('the corpora stay small', () => {
  const files = (folder: string) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());
  expect(files(C_CORPUS).length + files(CORPUS).length).toBeLessThan(1500);
});
