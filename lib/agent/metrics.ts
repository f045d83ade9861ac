/** What the agent counts, for Prometheus. */
import { type Gauge, type MetricType, Registry } from 'prom-client';
import type { HsmObserver } from '../mhsm/observer.ts';
import { CKR_OK } from '../pkcs11/constants.ts';
import { bareNameOf } from '../pkcs11/names.ts';
import type { CallName } from '../wire/schema.ts';
import { functionName } from './call-line.ts';
import type { AgentStatus, SlotStatus } from './status.ts';
import { Distribution, type Sample, Tally } from './tally.ts';

/** Seconds; from an answer of the nearest HSM to the longest deadline that anybody sets. */
const BOUNDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
/** Keys of a slot that have series of their own; those used first. No key is called by the name of the rest. */
const MAX_KEYS = 200;
const OTHER_KEYS = '(others)';
/** Of a name as a label: names of the service have at most 127 characters, and none of these. */
const MAX_NAME = 127;
const CONTROLS = /[\p{Cc}\p{Cs}]/gu;

/** What happened in a slot since the agent started. */
class SlotUse {
  readonly #labels = new Map<string, string>();
  readonly durations = new Distribution(BOUNDS);
  readonly waits = new Distribution(BOUNDS);
  made = 0;
  failed = 0;
  last: { readonly key: string; readonly atMs: number } | undefined;

  /** Series live as long as the agent: many keys must not make many. */
  labelOf(key: string): string {
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    if (this.#labels.size >= MAX_KEYS) return OTHER_KEYS;
    const label = key.slice(0, MAX_NAME).replaceAll(CONTROLS, '?');
    this.#labels.set(key, label);
    return label;
  }

  signed(key: string, rv: number, ms: number): void {
    this.durations.observe(ms / 1000);
    if (rv !== CKR_OK) {
      this.failed++;
      return;
    }
    this.made++;
    this.last = { key, atMs: Date.now() };
  }
}

type Row<T> = readonly [name: string, help: string, value: (of: T) => number | null];
type IdentityStatus = SlotStatus['identities'][number];

const AGENT_ROWS: readonly Row<AgentStatus>[] = [
  ['clients', 'Processes that use the agent.', ({ clients }) => clients.length],
  ['client_connections', 'Their connections.', ({ clients }) => sum(clients, ({ connections }) => connections)],
  ['sessions', 'PKCS#11 sessions that are open.', ({ clients }) => sum(clients, ({ sessions }) => sessions)],
  [
    'configuration_changed',
    '1: the file is another one than is served.',
    (status) => flag(status.configuration.changed),
  ],
];
const SLOT_ROWS: readonly Row<SlotStatus>[] = [
  ['hsm_connections', 'TLS connections to the HSM that are open.', ({ connections }) => connections],
  ['hsm_connections_busy', 'Open connections that carry a request.', ({ busyConnections }) => busyConnections],
  ['hsm_connections_max', 'ConnectionCache.MaxConnections.', ({ maxConnections }) => maxConnections],
  ['queue_length', 'Requests that wait for a connection.', ({ queued }) => queued],
];
const IDENTITY_ROWS: readonly Row<IdentityStatus>[] = [
  ['token_age_seconds', 'Since the access token was fetched.', ({ tokenAgeSeconds }) => tokenAgeSeconds],
  ['token_left_seconds', 'Until the access token ends.', ({ tokenLeftSeconds }) => tokenLeftSeconds],
  ['key_list_age_seconds', 'Since the key list was read.', ({ keyListAgeSeconds }) => keyListAgeSeconds],
  ['keys', 'Keys in the key list.', ({ keys }) => keys],
];

/** By the names that every process has at Prometheus. */
const PROCESS_ROWS: readonly (readonly [...Row<AgentStatus>, type: 'gauge' | 'counter'])[] = [
  ['process_cpu_seconds_total', 'User and system time.', cpuSeconds, 'counter'],
  ['process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss(), 'gauge'],
  ['process_start_time_seconds', 'Since 1970.', ({ startedAt }) => Date.parse(startedAt) / 1000, 'gauge'],
];

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const slotLabels = (slotId: number) => ({ slot: String(slotId) });

function identitySamples({ slotId, identities }: SlotStatus, value: Row<IdentityStatus>[2]): Sample[] {
  return identities.flatMap((identity) => {
    const now = value(identity);
    return now === null ? [] : [{ labels: { ...slotLabels(slotId), identity: identity.name }, value: now }];
  });
}

/** Counters of one agent, and its gauges as they are when somebody asks. */
export class Metrics {
  readonly #calls = new Tally();
  readonly #uses = { sign: new Tally(), decrypt: new Tally() };
  readonly #attempts = new Tally();
  readonly #retries = new Tally();
  readonly #slots = new Map<number, SlotUse>();

  /** An answer went to a client. */
  countCall(call: CallName, rv: number): void {
    this.#calls.count(`${call} ${rv}`, () => ({ function: functionName(call), code: bareNameOf('CKR', rv) }));
  }

  useOf(slotId: number): Pick<SlotUse, 'made' | 'failed' | 'last'> {
    return this.#slot(slotId);
  }

  /** Takes what happens on the way to the HSM of a slot. */
  observerOf(slotId: number): HsmObserver {
    const slot = String(slotId);
    const use = this.#slot(slotId);
    return {
      admitted: (waitedMs) => use.waits.observe(waitedMs / 1000),
      attempted: (outcome, again) => {
        this.#attempts.count(`${slot} ${outcome}`, () => ({ slot, outcome: String(outcome) }));
        if (again) this.#retries.count(slot, () => ({ slot }));
      },
      used: (operation, name, rv, ms) => {
        const key = use.labelOf(name);
        this.#uses[operation].count(`${slot} ${rv} ${key}`, () => ({ slot, key, outcome: bareNameOf('CKR', rv) }));
        if (operation === 'sign') use.signed(name, rv, ms);
      },
    };
  }

  #slot(slotId: number): SlotUse {
    const use = this.#slots.get(slotId) ?? new SlotUse();
    this.#slots.set(slotId, use);
    return use;
  }

  get contentType(): string {
    return Registry.PROMETHEUS_CONTENT_TYPE;
  }

  /** Everything, in Prometheus' text form. */
  text(status: AgentStatus): Promise<string> {
    const registry = new Registry();
    const add = (name: string, help: string, type: 'gauge' | 'counter' | 'histogram', values: readonly Sample[]) => {
      const get = async () => ({ name, help, type: type as unknown as MetricType, aggregator: 'sum', values });
      // A registry needs no more of a metric than this; the type asks for all that one can do.
      registry.registerMetric({ name, get } as unknown as Gauge);
    };
    this.#addCounters((name, help, samples) => add(`mhsm_pkcs11_${name}`, help, 'counter', samples));
    this.#addDistributions((name, help, samples) => add(name, help, 'histogram', samples));
    add('mhsm_pkcs11_build_info', '1, with the version.', 'gauge', [{ labels: { version: status.version }, value: 1 }]);
    addGauges(status, (name, help, samples) => add(`mhsm_pkcs11_${name}`, help, 'gauge', samples));
    for (const [name, help, value, type] of PROCESS_ROWS) {
      add(name, help, type, [{ labels: {}, value: value(status) ?? 0 }]);
    }
    return registry.metrics();
  }

  #addCounters(add: AddSamples): void {
    add('calls_total', 'Calls answered, by PKCS#11 function and code.', this.#calls.samples);
    add('signatures_total', 'Signatures asked of the HSM, by key and outcome.', this.#uses.sign.samples);
    add('decryptions_total', 'Decryptions asked of the HSM, by key and outcome.', this.#uses.decrypt.samples);
    add('hsm_requests_total', 'Requests sent, by HTTP status or why there was no answer.', this.#attempts.samples);
    add('hsm_retries_total', 'Requests that were sent again.', this.#retries.samples);
  }

  #addDistributions(add: AddSamples): void {
    const families = [
      ['mhsm_pkcs11_signature_duration_seconds', 'A signature, all waiting and retries included.', 'durations'],
      ['mhsm_pkcs11_queue_wait_seconds', 'What a request waited for a connection.', 'waits'],
    ] as const;
    for (const [name, help, what] of families) {
      const samples = [...this.#slots].flatMap(([slotId, use]) => use[what].samples(name, slotLabels(slotId)));
      add(name, help, samples);
    }
  }
}

type AddSamples = (name: string, help: string, samples: readonly Sample[]) => void;

function addGauges(status: AgentStatus, add: AddSamples): void {
  for (const [name, help, value] of AGENT_ROWS) add(name, help, [{ labels: {}, value: value(status) ?? 0 }]);
  for (const [name, help, value] of SLOT_ROWS) {
    const samples = status.slots.map((slot) => ({ labels: slotLabels(slot.slotId), value: value(slot) ?? 0 }));
    add(name, help, samples);
  }
  for (const [name, help, value] of IDENTITY_ROWS) {
    add(
      name,
      help,
      status.slots.flatMap((slot) => identitySamples(slot, value)),
    );
  }
}
