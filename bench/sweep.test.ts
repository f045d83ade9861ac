// How a run goes over its points, without any server: what a measurement gives is made up.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { madeUpResult } from './made-up-result.ts';
import { nameOf } from './plan/points.ts';
import { RULES } from './plan/repetition.ts';
import type { Measurement, Point } from './result.ts';
import { readResult, resultFile } from './result-file.ts';
import type { Rig } from './subjects/rig.ts';
import { sweep } from './sweep.ts';

const { measurements, ...rest } = madeUpResult(['P-256']);
const made = measurements.filter(({ point }) => point.signer === 'pem').slice(0, 4);
const points = made.map(({ point }) => point);
const [, second] = points;

let folder: string;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-sweep-'));
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param trouble what the nth try of a point throws; undefined where it is measured */
function run(trouble: (point: Point, tries: number) => string | undefined, signal = new AbortController().signal) {
  const tries = new Map<Point, number>();
  const measure = async (point: Point): Promise<Measurement> => {
    tries.set(point, (tries.get(point) ?? 0) + 1);
    const why = trouble(point, tries.get(point) ?? 0);
    if (why !== undefined) throw new Error(why);
    const found = made.find((measurement) => measurement.point === point);
    if (found === undefined) throw new Error('there is no such point');
    return found;
  };
  const rig = { hsm: { kind: 'mock-hsm' } } as unknown as Rig;
  const result = { ...rest, measurements: [], finishedAt: null };
  const say = (line: string) => said.push(line);
  return sweep({ points, rule: RULES.full, rig, result, file: resultFile(folder), signal, say, measure });
}

const measuredIn = (result: { measurements: readonly Measurement[] } | undefined) =>
  result?.measurements.map(({ point }) => point);

test('a point that fails once is measured at the end, and the run is whole', async () => {
  const { result, unmeasured } = await run((point, tries) =>
    point === second && tries === 1 ? 'nginx did not start' : undefined,
  );
  expect(unmeasured).toEqual([]);
  expect(measuredIn(result)).toEqual([points[0], points[2], points[3], second]);
  expect(result.finishedAt).not.toBeNull();
  expect(said).toContain(`not measured, tried again at the end: ${nameOf(points[1] as Point)}: nginx did not start`);
  expect(said.at(-1)).toMatch(/^\[4\/4, 0 s left\] /);
  expect(readResult(resultFile(folder))).toEqual(result);
});

test('a point that fails again is told with its last reason, and the others are kept', async () => {
  const { result, unmeasured } = await run((point, tries) => (point === second ? `try ${tries}` : undefined));
  expect(unmeasured).toEqual([`${nameOf(points[1] as Point)}: try 2`]);
  expect(measuredIn(result)).toEqual([points[0], points[2], points[3]]);
  expect(result.finishedAt).toBeNull();
  expect(readResult(resultFile(folder))).toEqual(result);
});

test('an interrupted run tries nothing again, and is not finished', async () => {
  const controller = new AbortController();
  const { result, unmeasured } = await run((point) => {
    if (point === points[2]) controller.abort(new Error('interrupted'));
    return point === points[0] ? undefined : 'trouble';
  }, controller.signal);
  expect(unmeasured).toEqual([`${nameOf(points[1] as Point)}: trouble`]);
  expect(measuredIn(result)).toEqual([points[0]]);
  expect(result.finishedAt).toBeNull();
});
