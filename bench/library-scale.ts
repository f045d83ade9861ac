/**
 * The library in front of a full pool: 5,000 keys of its own, then 5,000 that others made. Prints each figure with its
 * target; exit status 1 when one is missed.
 *
 *   npm run bench:scale -- --keys 5000 --runs 5
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mustRun } from '../demo/process.ts';
import { openLibrary } from '../lib/agent/library.ts';
import { loadConfiguration } from '../lib/config/load.ts';
import { CKA_CLASS, CKA_LABEL, CKF_SERIAL_SESSION, CKO_PRIVATE_KEY, CKU_USER } from '../lib/pkcs11/constants.ts';
import { ofText, ofUlong } from '../lib/tags/values.ts';
import { FullPool, labelOf, type MadeBy } from './full-pool.ts';

const { values: flags } = parseArgs({
  options: { keys: { type: 'string', default: '5000' }, runs: { type: 'string', default: '5' } },
});
const keys = Number(flags.keys);
const runs = Number(flags.runs);
const MODULE = join(import.meta.dirname, '../native/build/libmhsm-pkcs11.so');
const MIB_OF_AGENT = 150;

function report(what: string, value: string, target: string, reached: boolean): void {
  process.stdout.write(`${what}: ${value}; target ${target}: ${reached ? 'reached' : 'MISSED'}\n`);
  if (!reached) process.exitCode = 1;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const beginMs = performance.now();
  const result = await work();
  return { result, ms: performance.now() - beginMs };
}

const pinOf = ({ mock }: FullPool) => `${mock.offload.clientId}:${mock.offload.clientSecret}`;

function configure(folder: string, { mock }: FullPool): string {
  const file = join(folder, 'mhsm-pkcs11.conf');
  const token = { slotid: 0, resourceName: 'scale', baseUrl: mock.url, caFile: mock.caFile, authorityHost: mock.url };
  writeFileSync(file, JSON.stringify({ tokens: [token], agent: { idleExitSeconds: 60 } }));
  return file;
}

/** The library in this process, logged in, with a way to search. */
async function open(file: string, pin: string) {
  const { library, close } = openLibrary(loadConfiguration(file).configuration, (line) =>
    process.stderr.write(`${line}\n`),
  );
  const application = library.createApplication();
  application.openSession({ session: 1, slot: 0, flags: CKF_SERIAL_SESSION });
  await application.login({ session: 1, userType: CKU_USER, pin: ofText(pin) });
  const find = async (label?: string) => {
    const template = [{ type: CKA_CLASS, value: ofUlong(CKO_PRIVATE_KEY) }];
    if (label !== undefined) template.push({ type: CKA_LABEL, value: ofText(label) });
    await application.findObjectsInit({ session: 1, template });
    const { handles } = application.findObjects({ session: 1, max: 2 * keys });
    application.findObjectsFinal({ session: 1 });
    return handles.length;
  };
  return { find, close };
}

/** Requests by operation since a sequence number, as the mock counted them. */
async function requestsSince({ mock }: FullPool, sequence: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { operation } of await mock.requests(sequence)) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  return counts;
}

const shown = (counts: ReadonlyMap<string, number>) =>
  [...counts].map(([what, n]) => `${n} × ${what}`).join(', ') || 'none';

/** Both in turns, so that whatever else the machine does meets both. */
async function compareWithBareList(pool: FullPool, file: string): Promise<void> {
  const [bareMs, findMs, laterMs]: [number[], number[], number[]] = [[], [], []];
  for (let run = 0; run <= runs; run++) {
    const bare = await timed(() => pool.bareList());
    if (bare.result !== keys) throw new Error(`the bare list holds ${bare.result} of ${keys} keys`);
    const { find, close } = await open(file, pinOf(pool));
    const first = await timed(() => find(labelOf(keys)));
    if (first.result !== 1) throw new Error(`the search found ${first.result} keys`);
    const later = await timed(() => find(labelOf(1)));
    await close();
    // The first run warms both up.
    if (run === 0) continue;
    bareMs.push(bare.ms);
    findMs.push(first.ms);
    laterMs.push(later.ms);
  }
  const ratio = median(findMs) / median(bareMs);
  const detail = `${median(findMs).toFixed(0)} ms, bare list ${median(bareMs).toFixed(0)} ms, ratio ${ratio.toFixed(2)}`;
  report('first search by label', detail, '≤ 1.30', ratio <= 1.3);
  process.stdout.write(`later searches by label: ${median(laterMs).toFixed(1)} ms\n`);
}

/** Resident memory of a process now and at its most, in MiB. */
function memoryOf(pid: number): { nowMib: number; mostMib: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
  return { nowMib: mib('VmRSS'), mostMib: mib('VmHWM') };
}

async function processOf(program: RegExp, file: string): Promise<number> {
  const { stdout } = await mustRun('ps', ['-eo', 'pid=,args=']);
  const line = stdout.split('\n').find((it) => program.test(it) && it.includes(file));
  return Number(/\d+/.exec(line ?? '')?.[0]);
}

/** A real agent that lists everything twice for pkcs11-tool. */
async function measureAgent(pool: FullPool, file: string, what: string): Promise<void> {
  const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: file, PIN: pinOf(pool) };
  const args = ['--module', MODULE, '--login', '--pin', 'env:PIN', '--list-objects', '--type', 'privkey'];
  for (let run = 0; run < 2; run++) await mustRun('pkcs11-tool', args, { env, timeoutMs: 300_000 });
  const { nowMib, mostMib } = memoryOf(await processOf(/dist\/agent\.cjs/, file));
  process.kill(await processOf(/mhsm-pkcs11-launcher/, file));
  const detail = `${nowMib.toFixed(0)} MiB resident, ${mostMib.toFixed(0)} MiB at most`;
  report(`memory of the agent, ${what}`, detail, `< ${MIB_OF_AGENT} MiB`, mostMib < MIB_OF_AGENT);
}

async function countRequests(pool: FullPool, file: string, madeBy: MadeBy): Promise<void> {
  const { find, close } = await open(file, pinOf(pool));
  let sequence = await pool.mock.sequence();
  const first = await timed(() => find());
  const gets = (counts: ReadonlyMap<string, number>) => counts.get('get') ?? 0;
  const asked = await requestsSince(pool, sequence);
  const wanted = madeBy === 'library' ? 0 : keys;
  report(`first enumeration in ${first.ms.toFixed(0)} ms`, shown(asked), `${wanted} × get`, gets(asked) === wanted);
  if (first.result !== keys) throw new Error(`the enumeration found ${first.result} of ${keys} keys`);
  sequence = await pool.mock.sequence();
  await find();
  const again = await requestsSince(pool, sequence);
  report('second enumeration', shown(again), 'no request', again.size === 0);
  await close();
}

async function measure(madeBy: MadeBy): Promise<void> {
  const what = madeBy === 'library' ? 'keys of the library' : 'keys made elsewhere';
  process.stdout.write(`\n${keys} ${what}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'library-scale-'));
  const pool = await FullPool.start(join(folder, 'mock'), keys, madeBy);
  try {
    const file = configure(folder, pool);
    if (madeBy === 'library') await compareWithBareList(pool, file);
    await countRequests(pool, file, madeBy);
    await measureAgent(pool, file, what);
  } finally {
    await pool.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [model] = cpus();
process.stdout.write(`node ${process.version}, ${availableParallelism()} × ${model?.model ?? 'unknown processor'}\n`);
await measure('library');
await measure('others');
