import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BIN, Offload } from '../../demo/offload.ts';
import { type Finished, runProgram, waitFor } from '../../demo/process.ts';
import { SigningClient } from '../../demo/signing-client.ts';
import { agentPlaces } from '../../lib/agent/location.ts';

const OBSERVER = 54_321;
const STRANGER = 54_322;
const LABEL = 'web';

let folder: string;
let offload: Offload;
let client: SigningClient;
let keyName: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mhsm-status-'));
  chmodSync(folder, 0o711);
  offload = await Offload.start(folder, { top: { agent: { idleExitSeconds: 1, observers: [OBSERVER] } } });
  await offload.grantReading();
  const key = await offload.createKey('--EC', 'P-256', '--label', LABEL);
  keyName = key.name;
  await offload.grantUse(key);
  client = await SigningClient.start({ configurationFile: offload.configurationFile, pin: offload.pin, label: LABEL });
  expect(await client.sign(3)).toEqual({ made: 3, failures: [] });
});

afterAll(async () => {
  await client?.stop();
  await offload?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => ({ PATH: process.env.PATH, MHSM_PKCS11_CONF: offload.configurationFile });
const ask = (...args: string[]) => runProgram(join(BIN, 'mhsm-p11'), args, { env: environment() });
const socket = () => agentPlaces(offload.configurationFile, {}, getuid?.() ?? -1).at(-1)?.socket ?? '';
const curl = (path: string, ...args: string[]) =>
  runProgram('curl', ['--silent', '--show-error', ...args, '--unix-socket', socket(), `http://agent${path}`]);

function curlAs(uid: number, path: string): Promise<Finished> {
  const args = ['--silent', '--show-error', '--fail-with-body', '--unix-socket', socket(), `http://agent${path}`];
  return runProgram('curl', args, { uid, gid: uid });
}

/** What node_exporter would find. */
async function collect(): Promise<string> {
  const script = join(import.meta.dirname, '../../packaging/prometheus/mhsm-metrics');
  await runProgram(script, [folder], { env: { ...environment(), PATH: `${BIN}:${process.env.PATH}` } });
  return readFileSync(join(folder, 'mhsm-pkcs11.prom'), 'utf8');
}

describe('mhsm-p11 status', () => {
  test('shows a person the agent, its client, its slot and its last signature', async () => {
    const { stdout, status } = await ask('status');
    expect(stdout).toMatch(/^agent \d+, version \d+\.\d+\.\d+, as user id \d+, for \d+ s\n/);
    expect(stdout).toContain(`  configuration  ${offload.configurationFile}\n`);
    expect(stdout).toMatch(
      new RegExp(`pid ${client.pid} +user id ${getuid?.()}, 1 connection\\(s\\), 1 session\\(s\\)`),
    );
    expect(stdout).toContain(`slot 0, demo, ${offload.mock.url}\n`);
    expect(stdout).toMatch(new RegExp(`3 made, 0 failed, the last one \\d+ s ago with ${keyName}`));
    expect(stdout).toMatch(/client [0-9a-f-]{36} {2}token for .+ more, 1 key\(s\) as of .+ ago/);
    expect(status).toBe(0);
  });

  test('--json has the same for programs', async () => {
    const [agent] = await offload.agents();
    const { stdout } = await ask('status', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      running: true,
      pid: agent,
      configuration: { file: offload.configurationFile, changed: false, problem: null },
      clients: [{ pid: client.pid, uid: getuid?.(), connections: 1, sessions: 1 }],
      slots: [
        { slotId: 0, url: offload.mock.url, queued: 0, signatures: { made: 3, failed: 0, last: { key: keyName } } },
      ],
    });
  });

  test('remembers what went wrong, and how often', async () => {
    await offload.mock.control('POST', 'faults', { operation: 'sign', status: 403, times: 1 });
    expect((await client.sign(1)).failures).toHaveLength(1);
    const { stdout } = await ask('status');
    expect(stdout).toMatch(/errors and warnings, the newest first\n {2}\S+Z {2}error, 1×: sign: .*refused/);
    expect(stdout).toContain('3 made, 1 failed');
  });
});

describe('mhsm-p11 metrics', () => {
  test('are what curl gets from the socket, as a scraper of Prometheus would', async () => {
    const printed = await ask('metrics');
    const fetched = await curl('/metrics', '--include');
    expect(fetched.stdout).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*content-type: text\/plain; version=0\.0\.4; charset=utf-8\r\n/,
    );
    for (const text of [printed.stdout, fetched.stdout]) {
      expect(text).toContain(`mhsm_pkcs11_signatures_total{slot="0",key="${keyName}",outcome="CKR_OK"} 3\n`);
      expect(text).toContain('mhsm_pkcs11_signature_duration_seconds_count{slot="0"} 4\n');
      expect(text).toContain('mhsm_pkcs11_clients 1\n');
      expect(text).toMatch(/mhsm_pkcs11_token_left_seconds\{slot="0",identity="client [0-9a-f-]{36}"\} 3\d{3}/);
    }
  });

  test('count a throttled request and its retry', async () => {
    await offload.mock.control('POST', 'faults', { operation: 'sign', status: 429, times: 1 });
    expect(await client.sign(1)).toEqual({ made: 1, failures: [] });
    const { stdout } = await ask('metrics');
    expect(stdout).toContain('mhsm_pkcs11_hsm_requests_total{slot="0",outcome="429"} 1\n');
    expect(stdout).toContain('mhsm_pkcs11_hsm_retries_total{slot="0"} 1\n');
  });

  test('packaging/prometheus/mhsm-metrics leaves them in a whole file', async () => {
    const text = await collect();
    expect(text).toContain('mhsm_pkcs11_clients 1\n');
    expect(text).toMatch(/\nmhsm_pkcs11_up 1\n$/);
    expect(readdirSync(folder).filter((name) => name.includes('.prom'))).toEqual(['mhsm-pkcs11.prom']);
  });

  test('another path is not found', async () => {
    expect((await curl('/')).stdout).toBe('there are /metrics and /status\n');
  });
});

describe.skipIf(getuid?.() !== 0)('who may look (other users take root)', () => {
  test('a user of agent.observers sees metrics and status, and gets no session', async () => {
    expect((await curlAs(OBSERVER, '/metrics')).stdout).toContain('mhsm_pkcs11_clients 1\n');
    expect((await curlAs(OBSERVER, '/status')).status).toBe(0);
    const { configurationFile, pin } = offload;
    const observer = SigningClient.start({ configurationFile, pin, label: LABEL, uid: OBSERVER });
    await expect(observer).rejects.toThrow(`user id ${OBSERVER} is not admitted to the agent`);
  });

  test('a stranger sees nothing, and hears what to do', async () => {
    const { stdout, status } = await curlAs(STRANGER, '/status');
    expect(stdout).toBe(
      `user id ${STRANGER} may not look: list it under agent.observers in ${offload.configurationFile}\n`,
    );
    expect(status).not.toBe(0);
  });
});

describe('without an agent', () => {
  beforeAll(async () => {
    await client.stop();
    await waitFor('the end of the agent', async () =>
      (await offload.agents('launcher')).length === 0 ? true : undefined,
    );
  });

  test('one line, status 1, and what to do', async () => {
    const { stdout, stderr, status } = await ask('status', '--json');
    expect(JSON.parse(stdout)).toEqual({ running: false, sockets: [socket()] });
    expect(stderr).toMatch(/^mhsm-p11: no agent runs: nobody listens at .*\.sock; hint: a server starts one .*\n$/);
    expect(status).toBe(1);
  });

  test('the file for the textfile collector says so', async () => {
    expect(await collect()).toBe('# TYPE mhsm_pkcs11_up gauge\nmhsm_pkcs11_up 0\n');
  });
});

test('a changed configuration shows, and looking does not keep an idle agent', async () => {
  const { configurationFile, pin } = offload;
  client = await SigningClient.start({ configurationFile, pin, label: LABEL });
  offload.writeConfiguration({ top: { agent: { idleExitSeconds: 1, observers: [] } } });
  expect((await ask('status')).stdout).toContain('(changed since: a server that starts or reloads takes it)');
  await client.stop();
  await waitFor('the end of the agent that is looked at', async () =>
    (await ask('status')).status === 1 ? true : undefined,
  );
});
