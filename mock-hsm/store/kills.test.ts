import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { afterAll, expect, test, vi } from 'vitest';
import { role } from '../contract/pool-connection.ts';
import { ServedFolder } from '../contract/served-folder.ts';
import { KillWriter } from './kill-writer.ts';

const kills = Number(process.env.MOCK_HSM_KILLS ?? 200);
const seed = Number(process.env.MOCK_HSM_SEED ?? 20_260);
const work = mkdtempSync(join(tmpdir(), 'mock-hsm-test-'));
const compileCache = join(work, 'compiled');
const running = new Set<ServedFolder>();

afterAll(async () => {
  await Promise.all([...running].map((each) => each.kill()));
  rmSync(work, { recursive: true });
});

/** Numbers that the seed decides: mulberry32. */
function picker(state: number): (count: number) => number {
  let word = state;
  return (count) => {
    word = (word + 0x6d2b79f5) | 0;
    let mixed = Math.imul(word ^ (word >>> 15), word | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count);
  };
}

function serve(folder: string): ServedFolder {
  const served = new ServedFolder(folder, { compileCache });
  running.add(served);
  return served;
}

async function kill(served: ServedFolder): Promise<void> {
  await served.kill();
  running.delete(served);
}

/** Rows that belong together are all there. */
function assertConsistent(folder: string): void {
  const database = new DatabaseSync(join(folder, 'mock-hsm.db'));
  const column = (sql: string) =>
    database
      .prepare(sql)
      .all()
      .map((row) => String(Object.values(row)[0]));
  expect(column('PRAGMA integrity_check')).toEqual(['ok']);
  const keys = column("SELECT lower(body ->> 'name') FROM record WHERE kind = 'key' ORDER BY 1");
  const owners = column("SELECT DISTINCT lower(body ->> 'name') FROM record WHERE kind = 'keyVersion' ORDER BY 1");
  database.close();
  expect(owners).toEqual(keys);
}

/** Serves, writes, kills, restarts and looks, `rounds` times. */
async function lane(folder: string, rounds: number, pick: (count: number) => number): Promise<void> {
  const writers = Array.from({ length: 6 }, (_, i) => new KillWriter(`key-${i}`, pick));
  for (let round = 0; round < rounds; round += 1) {
    const served = serve(folder);
    // One in eight dies while it starts.
    if (pick(8) === 0) {
      await setTimeout(pick(600));
      await kill(served);
      continue;
    }
    await served.ready();
    const pool = served.connect();
    if (round < 8) for (const each of [role.cryptoUser, role.cryptoOfficer]) await pool.assign(each, '/');
    const wrong = await Promise.all(writers.map((writer) => writer.check(pool)));
    expect(wrong.filter((each) => each !== undefined)).toEqual([]);
    const before = acknowledgedBy(writers);
    const writing = Promise.all(writers.map((writer) => writer.run(pool)));
    // The load is one, however slow the machine: the mock dies with several writes behind it and others on their way.
    const enough = 1 + pick(24);
    const underLoad = vi.waitUntil(() => acknowledgedBy(writers) - before >= enough, { timeout: 60_000, interval: 2 });
    // A writer that is refused ends the wait.
    await Promise.race([underLoad, writing]);
    await setTimeout(pick(40));
    await kill(served);
    await writing;
    await pool.close();
  }
  const last = serve(folder);
  await last.ready();
  const pool = last.connect();
  const wrong = await Promise.all(writers.map((writer) => writer.check(pool)));
  expect(wrong.filter((each) => each !== undefined)).toEqual([]);
  await pool.close();
  await kill(last);
  assertConsistent(folder);
}

const acknowledgedBy = (writers: readonly KillWriter[]) =>
  writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);

test(`${kills} times kill -9 under writing load, seed ${seed}: nothing acknowledged is lost`, async () => {
  mkdirSync(compileCache);
  const pick = [picker(seed), picker(seed + 1)];
  await Promise.all(pick.map((each, i) => lane(join(work, `data-${i}`), Math.ceil(kills / 2), each)));
}, 900_000);
