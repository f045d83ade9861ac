/**
 * The product's main job, every layer real: nginx → libp11 → libmhsm-pkcs11.so → agent → core → REST → mock-hsm.
 * Prints what it does, proves from the mock's request log where the signatures were made, and leaves nothing behind.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { Command } from 'commander';
import { HANDSHAKE_KINDS, type Handshake, type HandshakeKind, median, shakeHands } from './handshake.ts';
import { type Nginx, selfSign } from './nginx.ts';
import { BIN, EC_LABEL, Offload, RSA_LABEL, SERVER_NAME } from './offload.ts';
import { MODULE } from './tested-module.ts';

const HANDSHAKES_EACH = 10;

interface Row {
  kind: HandshakeKind;
  handshakes: Handshake[];
  signs: number;
}

/** Resolves when somebody interrupts. Every step runs to its end first, so that nothing is left half started. */
let interruptedBy: NodeJS.Signals | undefined;
const interruption = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      interruptedBy = signal;
      resolve();
    });
  }
});

async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  if (interruptedBy !== undefined) throw new Error(`interrupted by ${interruptedBy}`);
  process.stdout.write(`  … ${what}\r`);
  const started = performance.now();
  const value = await work();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`  ✓ ${what} (${seconds} s)\n`);
  return value;
}

function keyOf(kind: HandshakeKind, names: Readonly<Record<'RSA' | 'EC', string>>): string {
  return names[kind.key];
}

/** Handshakes of each kind, and the signatures that mock-hsm logged for exactly that key and algorithm meanwhile. */
async function shakeAll(offload: Offload, nginx: Nginx, names: Record<'RSA' | 'EC', string>): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of HANDSHAKE_KINDS) {
    const before = await offload.mock.sequence();
    const handshakes: Handshake[] = [];
    for (let i = 0; i < HANDSHAKES_EACH; i++) {
      handshakes.push(await shakeHands(nginx.setting.port, kind, nginx.certificateFile(kind.key)));
    }
    const logged = await offload.mock.requests(before);
    const signs = logged.filter(
      (entry) =>
        entry.operation === 'sign' &&
        entry.status === 200 &&
        entry.key === keyOf(kind, names) &&
        entry.algorithm === kind.algorithm &&
        entry.clientId === offload.mock.offload.clientId,
    );
    rows.push({ kind, handshakes, signs: signs.length });
  }
  return rows;
}

/** Reloads while handshakes go on; gives how many there were. Throws at the first that fails. */
async function reloadUnderTraffic(nginx: Nginx): Promise<number> {
  let count = 0;
  let reloaded = false;
  const traffic = async () => {
    while (!reloaded) {
      const kind = HANDSHAKE_KINDS[count % HANDSHAKE_KINDS.length];
      if (kind === undefined) break;
      await shakeHands(nginx.setting.port, kind, nginx.certificateFile(kind.key));
      count++;
    }
  };
  const reload = nginx.reload().finally(() => {
    reloaded = true;
  });
  await Promise.all([reload, traffic(), traffic()]);
  return count;
}

function printTable(rows: readonly Row[]): void {
  const table = new Table({
    head: ['key', 'protocol', 'cipher', 'signature', 'handshakes', 'HSM signs', 'median ms *'],
    style: { head: [], border: [] },
  });
  for (const { kind, handshakes, signs } of rows) {
    const time = median(handshakes.map((handshake) => handshake.milliseconds)).toFixed(1);
    const cipher = handshakes[0]?.cipher ?? '';
    const signature = `${kind.signatureType} (${kind.algorithm})`;
    table.push([kind.key, kind.protocol, cipher, signature, handshakes.length, signs, time]);
  }
  process.stdout.write(`${table.toString()}\n  * a whole run of openssl s_client, its start included\n`);
}

function merge(before: readonly Row[], after: readonly Row[]): Row[] {
  return before.map((row, i) => ({
    kind: row.kind,
    handshakes: [...row.handshakes, ...(after[i]?.handshakes ?? [])],
    signs: row.signs + (after[i]?.signs ?? 0),
  }));
}

function proveSigns(rows: readonly Row[]): void {
  for (const { kind, handshakes, signs } of rows) {
    if (signs === handshakes.length) continue;
    throw new Error(
      `${handshakes.length} ${kind.protocol} handshakes with the ${kind.key} key, but mock-hsm logged ${signs} ${kind.algorithm} signatures`,
    );
  }
}

function explainByHand(offload: Offload, nginx: Nginx): void {
  const { mock } = offload;
  process.stdout.write(`
Everything keeps running until Ctrl-C. Try, in another terminal:

  curl --cacert ${nginx.certificateFile('EC')} --resolve ${SERVER_NAME}:${nginx.setting.port}:127.0.0.1 https://${SERVER_NAME}:${nginx.setting.port}/
  openssl s_client -connect 127.0.0.1:${nginx.setting.port} -CAfile ${nginx.certificateFile('RSA')} -tls1_2 </dev/null
  curl --cacert ${mock.caFile} ${mock.url}/mock/metrics

The tools, as the key generation service principal:

  export MHSM_PKCS11_CONF=${offload.configurationFile}
  export MHSM_CLIENT_ID=${mock.keyGeneration.clientId} MHSM_CLIENT_SECRET=${mock.keyGeneration.clientSecret}
  ${join(BIN, 'mhsm_p11_list_keys')}
  ${join(BIN, 'mhsm_p11_create_key')} --RSA 4K --label another

The module, as the TLS offload service principal:

  pkcs11-tool --module ${MODULE} --login --pin ${offload.pin} -O
`);
}

async function offloadTls(folder: string, keep: boolean): Promise<void> {
  const offload = await step('mock-hsm with an administrator and two service principals', () => Offload.start(folder));
  let nginx: Nginx | undefined;
  try {
    await step('roles: TLS Library User Read Role at /keys; Crypto User for key generation', () =>
      offload.grantReading(),
    );
    const rsa = await step('RSA 2048 key', () => offload.createKey('--RSA', '2K', '--label', RSA_LABEL));
    const ec = await step('EC P-256 key', () => offload.createKey('--EC', 'P-256', '--label', EC_LABEL));
    process.stdout.write(`${rsa.output}${ec.output}`);
    await step('roles: Crypto User at each key', async () => {
      for (const key of [rsa, ec]) await offload.grantUse(key);
    });
    const server = await offload.nginx();
    nginx = server;
    await step('certificates signed in the HSM', async () => {
      await selfSign(server, 'RSA', SERVER_NAME);
      await selfSign(server, 'EC', SERVER_NAME);
    });
    await step('nginx: master root, two workers www-data', () => server.start());
    const names = { RSA: rsa.name, EC: ec.name };
    const before = await step('handshakes', () => shakeAll(offload, server, names));
    const during = await step('reload under traffic', () => reloadUnderTraffic(server));
    const after = await step('handshakes after the reload', () => shakeAll(offload, server, names));
    const rows = merge(before, after);
    process.stdout.write(`  ${during} handshakes while nginx reloaded, none failed\n`);
    printTable(rows);
    proveSigns(rows);
    if (keep) {
      explainByHand(offload, server);
      await interruption;
    }
  } finally {
    try {
      await nginx?.stop();
    } finally {
      await offload.stop();
    }
    process.stdout.write('  ✓ everything stopped\n');
  }
}

const program = new Command('demo')
  .description('TLS handshakes of a real nginx, signed in a mock Managed HSM')
  .option('--keep', 'leave everything running until Ctrl-C and print how to try it by hand')
  .parse();

if (process.getuid?.() !== 0) {
  process.stderr.write('demo: nginx needs root to run its workers as www-data: run it as root (sudo npm run demo)\n');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'mhsm-demo-'));
try {
  await offloadTls(folder, program.opts<{ keep?: boolean }>().keep ?? false);
  process.stdout.write('demo: ok\n');
} catch (error) {
  process.stderr.write(`demo: failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
