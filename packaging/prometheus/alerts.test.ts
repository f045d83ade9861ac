import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { runProgram } from '../../demo/process.ts';
import { Metrics } from '../../lib/agent/metrics.ts';
import type { AgentStatus } from '../../lib/agent/status.ts';

const status: AgentStatus = {
  pid: 1,
  uid: 1,
  version: '1',
  startedAt: '2026-01-01T00:00:00Z',
  uptimeSeconds: 1,
  configuration: { file: '/etc/mhsm-pkcs11.conf', changed: false, problem: null },
  slots: [],
  clients: [],
  recent: [],
};

interface Rules {
  groups: { rules: { alert: string; expr: string }[] }[];
}

interface Expectations {
  tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
}

const PROMTOOL = join(import.meta.dirname, '../../build/clients/promtool');
const read = (name: string): unknown => parse(readFileSync(join(import.meta.dirname, name), 'utf8'));
const rules = (read('alerts.yml') as Rules).groups.flatMap((group) => group.rules);

/** What the agent has, and what the script of the textfile collector adds. */
async function names(): Promise<string[]> {
  const script = readFileSync(join(import.meta.dirname, 'mhsm-metrics'), 'utf8');
  const text = (await new Metrics().text(status)) + script;
  const families = [...text.matchAll(/# TYPE (\S+) (\w+)/g)];
  return families.flatMap(([, name = '', type]) => (type === 'histogram' ? [`${name}_bucket`] : [name]));
}

test('every rule asks for metrics that there are', async () => {
  const known = await names();
  const asked = rules.flatMap(({ expr }) => expr.match(/mhsm_pkcs11_\w+/g) ?? []);
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.filter((name) => !known.includes(name))).toEqual([]);
});

test('every alert fires when it should, and is quiet when it should not', async () => {
  const finished = await runProgram(PROMTOOL, ['test', 'rules', join(import.meta.dirname, 'alerts.promtool.yml')]);
  expect(finished).toMatchObject({ status: 0 });
});

test('every alert is expected to fire somewhere, and to be quiet elsewhere', () => {
  const expected = (read('alerts.promtool.yml') as Expectations).tests.flatMap(
    ({ alert_rule_test }) => alert_rule_test,
  );
  const withAlerts = (fires: boolean) =>
    expected.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname);
  const alerts = rules.map(({ alert }) => alert).toSorted();
  expect([...new Set(withAlerts(true))].toSorted()).toEqual(alerts);
  expect([...new Set(withAlerts(false))].toSorted()).toEqual(alerts);
});
