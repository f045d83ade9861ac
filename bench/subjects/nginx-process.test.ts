import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processesWith } from '../processes.ts';
import { startNginx, stopNginx, workersOf } from './nginx-process.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Serves nothing, with one worker. @param more lines */
const oneWorker = (more = '') =>
  `daemon off;\nworker_processes 1;\npid ${folder}/nginx.pid;\nerror_log ${folder}/error.log;\n${more}events {}\n`;
const start = (workers: number, configuration = oneWorker(), patienceSeconds = 20) =>
  startNginx({ folder, configuration, workers, env: {}, patienceSeconds });

test('nginx has its workers when it is started, and none after it was stopped', async () => {
  const nginx = await start(1);
  expect(workersOf(nginx)).toHaveLength(1);
  await stopNginx(nginx);
  expect(processesWith(folder)).toEqual([]);
});

test('one whose workers do not all come is not left running', async () => {
  await expect(start(2, oneWorker(), 0.5)).rejects.toThrow(/2 workers of nginx/);
  expect(processesWith(folder)).toEqual([]);
});

test('one that ends says why in its own words', async () => {
  await expect(start(1, oneWorker('no_such_word;\n'))).rejects.toThrow(/nginx ended before it served: .*no_such_word/);
});
