import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
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

/** What the agent has, and what the script of the textfile collector adds. */
async function names(): Promise<string[]> {
  const script = readFileSync(join(import.meta.dirname, 'mhsm-metrics'), 'utf8');
  const text = (await new Metrics().text(status)) + script;
  const families = [...text.matchAll(/# TYPE (\S+) (\w+)/g)];
  return families.flatMap(([, name = '', type]) => (type === 'histogram' ? [`${name}_bucket`] : [name]));
}

test('every rule asks for metrics that there are', async () => {
  const rules = parse(readFileSync(join(import.meta.dirname, 'alerts.yml'), 'utf8')) as Rules;
  const known = await names();
  const asked = rules.groups
    .flatMap((group) => group.rules)
    .flatMap(({ expr }) => expr.match(/mhsm_pkcs11_\w+/g) ?? []);
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.filter((name) => !known.includes(name))).toEqual([]);
});
