import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CKR_DEVICE_ERROR, CKR_OK } from '../pkcs11/constants.ts';
import { Metrics } from './metrics.ts';
import type { AgentStatus } from './status.ts';

const status: AgentStatus = {
  pid: 1,
  uid: 998,
  version: '1.2.3',
  startedAt: '2026-01-02T03:04:05.000Z',
  uptimeSeconds: 10,
  configuration: { file: '/etc/mhsm-pkcs11.conf', changed: true, problem: null },
  slots: [
    {
      slotId: 7,
      label: 'myhsm',
      url: 'https://myhsm.managedhsm.azure.net',
      maxConnections: 20,
      connections: 12,
      busyConnections: 3,
      queued: 5,
      signatures: { made: 1, failed: 0, last: null },
      identities: [
        { name: 'client one', tokenAgeSeconds: 60, tokenLeftSeconds: 3540, keyListAgeSeconds: 31.5, keys: 12 },
        { name: 'client two', tokenAgeSeconds: 1, tokenLeftSeconds: -4, keyListAgeSeconds: null, keys: null },
      ],
    },
  ],
  clients: [{ pid: 100, uid: 33, connections: 2, sessions: 3 }],
  recent: [],
};

const LINE = /^[a-z_0-9]+(?:\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? [-+0-9.e]+$/;

async function linesOf(metrics: Metrics): Promise<string[]> {
  const text = await metrics.text(status);
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('counters', () => {
  test('signatures are counted by key and outcome, calls by function and code', async () => {
    const metrics = new Metrics();
    const hsm = metrics.observerOf(7);
    hsm.used('sign', 'web', CKR_OK, 12);
    hsm.used('sign', 'web', CKR_OK, 12);
    hsm.used('sign', 'web', CKR_DEVICE_ERROR, 10_000);
    hsm.used('decrypt', 'web', CKR_OK, 12);
    metrics.countCall('signInit', CKR_OK);
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'mhsm_pkcs11_signatures_total{slot="7",key="web",outcome="CKR_OK"} 2',
        'mhsm_pkcs11_signatures_total{slot="7",key="web",outcome="CKR_DEVICE_ERROR"} 1',
        'mhsm_pkcs11_decryptions_total{slot="7",key="web",outcome="CKR_OK"} 1',
        'mhsm_pkcs11_calls_total{function="C_SignInit",code="CKR_OK"} 1',
      ]),
    );
    expect(metrics.useOf(7)).toMatchObject({ made: 2, failed: 1, last: { key: 'web' } });
  });

  test('requests are counted by status or reason, and those sent again', async () => {
    const metrics = new Metrics();
    const hsm = metrics.observerOf(0);
    hsm.attempted(429, true);
    hsm.attempted('network', true);
    hsm.attempted(200, false);
    expect(await linesOf(metrics)).toEqual(
      expect.arrayContaining([
        'mhsm_pkcs11_hsm_requests_total{slot="0",outcome="429"} 1',
        'mhsm_pkcs11_hsm_requests_total{slot="0",outcome="network"} 1',
        'mhsm_pkcs11_hsm_requests_total{slot="0",outcome="200"} 1',
        'mhsm_pkcs11_hsm_retries_total{slot="0"} 2',
      ]),
    );
  });

  test('a bucket of a histogram has all that took no longer than its bound', async () => {
    const metrics = new Metrics();
    const hsm = metrics.observerOf(0);
    for (const ms of [1, 2, 2.1, 40_000]) hsm.used('sign', 'web', CKR_OK, ms);
    hsm.admitted(3);
    const lines = await linesOf(metrics);
    expect(lines).toEqual(
      expect.arrayContaining([
        'mhsm_pkcs11_signature_duration_seconds_bucket{slot="0",le="0.002"} 2',
        'mhsm_pkcs11_signature_duration_seconds_bucket{slot="0",le="0.005"} 3',
        'mhsm_pkcs11_signature_duration_seconds_bucket{slot="0",le="30"} 3',
        'mhsm_pkcs11_signature_duration_seconds_bucket{slot="0",le="+Inf"} 4',
        'mhsm_pkcs11_signature_duration_seconds_count{slot="0"} 4',
        'mhsm_pkcs11_queue_wait_seconds_sum{slot="0"} 0.003',
      ]),
    );
  });
});

test('gauges show the agent as it is', async () => {
  expect(await linesOf(new Metrics())).toEqual(
    expect.arrayContaining([
      'mhsm_pkcs11_build_info{version="1.2.3"} 1',
      'mhsm_pkcs11_clients 1',
      'mhsm_pkcs11_client_connections 2',
      'mhsm_pkcs11_sessions 3',
      'mhsm_pkcs11_configuration_changed 1',
      'mhsm_pkcs11_hsm_connections{slot="7"} 12',
      'mhsm_pkcs11_hsm_connections_busy{slot="7"} 3',
      'mhsm_pkcs11_queue_length{slot="7"} 5',
      'mhsm_pkcs11_token_left_seconds{slot="7",identity="client one"} 3540',
      'mhsm_pkcs11_token_left_seconds{slot="7",identity="client two"} -4',
      'mhsm_pkcs11_key_list_age_seconds{slot="7",identity="client one"} 31.5',
      'process_start_time_seconds 1767323045',
    ]),
  );
});

describe('names of keys', () => {
  test('none makes a line of its own, or a second series of the same labels', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 20 }), async (names) => {
        const metrics = new Metrics();
        for (const name of names) metrics.observerOf(0).used('sign', name, CKR_OK, 1);
        const lines = await linesOf(metrics);
        for (const line of lines) expect(line).toMatch(LINE);
        const series = lines.map((line) => line.slice(0, line.lastIndexOf(' ')));
        expect(new Set(series).size).toBe(series.length);
      }),
    );
  });

  test('beyond 200 in a slot share one series', async () => {
    const metrics = new Metrics();
    const hsm = metrics.observerOf(0);
    for (let i = 0; i < 1000; i++) hsm.used('sign', `key-${i}`, CKR_OK, 1);
    const lines = (await linesOf(metrics)).filter((line) => line.startsWith('mhsm_pkcs11_signatures_total'));
    expect(lines).toHaveLength(201);
    expect(lines).toContain('mhsm_pkcs11_signatures_total{slot="0",key="(others)",outcome="CKR_OK"} 800');
  });
});
