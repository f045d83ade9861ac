/** What the agent counts, for Prometheus. Counting is on the way of every signature: a look into a map and an addition. */
import { type Counter, Counter as CounterOf, Gauge, Histogram, Registry } from 'prom-client';
import type { HsmObserver } from '../mhsm/observer.ts';
import { CKR_OK } from '../pkcs11/constants.ts';
import { bareNameOf } from '../pkcs11/names.ts';
import type { CallName } from '../wire/schema.ts';
import { functionName } from './call-line.ts';
import type { AgentStatus, SlotStatus } from './status.ts';

/** Seconds; from an answer of the nearest HSM to the longest deadline that anybody sets. */
const BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30];
/** Keys of a slot that have series of their own; those used first. No key is called by the name of the rest. */
const MAX_KEYS = 200;
const OTHER_KEYS = '(others)';

/** How often keys of a slot were used since the agent started. */
interface Use {
  made: number;
  failed: number;
  last: { readonly key: string; readonly atMs: number } | undefined;
}

/** Where a series is incremented, found by its labels only once. */
class Series {
  readonly #counter: Counter<string>;
  readonly #children = new Map<string, ReturnType<Counter<string>['labels']>>();

  constructor(counter: Counter<string>) {
    this.#counter = counter;
  }

  inc(id: string, labels: () => Record<string, string>): void {
    let child = this.#children.get(id);
    if (child === undefined) {
      child = this.#counter.labels(labels());
      this.#children.set(id, child);
    }
    child.inc();
  }
}

/** The gauges of a slot: name, help, value. */
const SLOT_GAUGES: readonly (readonly [string, string, (slot: SlotStatus) => number])[] = [
  ['hsm_connections', 'TLS connections to the HSM that are open.', ({ connections }) => connections],
  ['hsm_connections_busy', 'Open connections that carry a request.', ({ busyConnections }) => busyConnections],
  ['hsm_connections_max', 'ConnectionCache.MaxConnections.', ({ maxConnections }) => maxConnections],
  ['queue_length', 'Requests that wait for a connection.', ({ queued }) => queued],
];

type IdentityStatus = SlotStatus['identities'][number];

/** The gauges of an identity; undefined where there is nothing to say. */
const IDENTITY_GAUGES: readonly (readonly [string, string, (identity: IdentityStatus) => number | undefined])[] = [
  ['token_age_seconds', 'Since the access token was fetched.', ({ tokenAgeSeconds }) => tokenAgeSeconds],
  ['token_left_seconds', 'Until the access token ends.', ({ tokenLeftSeconds }) => tokenLeftSeconds],
  ['key_list_age_seconds', 'Since the key list was read.', ({ keyListAgeSeconds }) => keyListAgeSeconds ?? undefined],
  ['keys', 'Keys in the key list.', ({ keys }) => keys ?? undefined],
];

const AGENT_GAUGES: readonly (readonly [string, string, (status: AgentStatus) => number])[] = [
  ['clients', 'Processes that use the agent.', ({ clients }) => clients.length],
  ['client_connections', 'Their connections.', ({ clients }) => sum(clients, ({ connections }) => connections)],
  ['sessions', 'PKCS#11 sessions that are open.', ({ clients }) => sum(clients, ({ sessions }) => sessions)],
  [
    'configuration_changed',
    '1: the file is another one than this agent serves.',
    ({ configuration }) => (configuration.changed ? 1 : 0),
  ],
];

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/** Counters of one agent, and its gauges as they are when somebody asks. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #calls = this.#series('calls_total', 'Calls answered, by PKCS#11 function and code.', ['function', 'code']);
  readonly #uses = {
    sign: this.#series('signatures_total', 'Signatures asked of the HSM, by key and outcome.', [
      'slot',
      'key',
      'outcome',
    ]),
    decrypt: this.#series('decryptions_total', 'The same of decryptions.', ['slot', 'key', 'outcome']),
  };
  readonly #attempts = this.#series('hsm_requests_total', 'Requests sent, by HTTP status or why there was no answer.', [
    'slot',
    'outcome',
  ]);
  readonly #retries = this.#series('hsm_retries_total', 'Requests that were sent again.', ['slot']);
  readonly #durations = this.#histogram('signature_duration_seconds', 'A signature, all waiting and retries included.');
  readonly #waits = this.#histogram('queue_wait_seconds', 'What a request waited for a connection.');
  readonly #gauges = new Map<string, Gauge<string>>();
  readonly #keys = new Map<string, Set<string>>();
  readonly #slots = new Map<number, Use>();

  #series(name: string, help: string, labelNames: string[]): Series {
    return new Series(new CounterOf({ name: `mhsm_pkcs11_${name}`, help, labelNames, registers: [this.#registry] }));
  }

  #histogram(name: string, help: string): Histogram<'slot'> {
    const options = { name: `mhsm_pkcs11_${name}`, help, labelNames: ['slot'] as const, buckets: BUCKETS };
    return new Histogram({ ...options, registers: [this.#registry] });
  }

  /** An answer went to a client. */
  countCall(call: CallName, rv: number): void {
    this.#calls.inc(`${call} ${rv}`, () => ({ function: functionName(call), code: bareNameOf('CKR', rv) }));
  }

  useOf(slotId: number): Use {
    let use = this.#slots.get(slotId);
    if (use === undefined) {
      use = { made: 0, failed: 0, last: undefined };
      this.#slots.set(slotId, use);
    }
    return use;
  }

  /** Takes what happens on the way to the HSM of a slot. */
  observerOf(slotId: number): HsmObserver {
    const slot = String(slotId);
    const use = this.useOf(slotId);
    const waits = this.#waits.labels(slot);
    const durations = this.#durations.labels(slot);
    return {
      admitted: (waitedMs) => waits.observe(waitedMs / 1000),
      attempted: (outcome, again) => {
        this.#attempts.inc(`${slot} ${outcome}`, () => ({ slot, outcome: String(outcome) }));
        if (again) this.#retries.inc(slot, () => ({ slot }));
      },
      used: (operation, name, rv, ms) => {
        const key = this.#boundedKey(slot, name);
        this.#uses[operation].inc(`${slot} ${rv} ${key}`, () => ({ slot, key, outcome: bareNameOf('CKR', rv) }));
        if (operation !== 'sign') return;
        durations.observe(ms / 1000);
        if (rv !== CKR_OK) use.failed++;
        else use.made++;
        if (rv === CKR_OK) use.last = { key: name, atMs: Date.now() };
      },
    };
  }

  /** Series live as long as the agent: many keys must not make many. */
  #boundedKey(slot: string, name: string): string {
    let known = this.#keys.get(slot);
    if (known === undefined) {
      known = new Set();
      this.#keys.set(slot, known);
    }
    if (known.has(name)) return name;
    if (known.size >= MAX_KEYS) return OTHER_KEYS;
    known.add(name);
    return name;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything, in Prometheus' text form. */
  text(status: AgentStatus): Promise<string> {
    this.#setGauges(status);
    return this.#registry.metrics();
  }

  #setGauges(status: AgentStatus): void {
    for (const gauge of this.#gauges.values()) gauge.reset();
    this.#gauge('build_info', '1, with the version.', { version: status.version }, 1);
    for (const [name, help, value] of AGENT_GAUGES) this.#gauge(name, help, {}, value(status));
    for (const slot of status.slots) {
      const labels = { slot: String(slot.slotId) };
      for (const [name, help, value] of SLOT_GAUGES) this.#gauge(name, help, labels, value(slot));
      for (const identity of slot.identities) this.#setIdentity(labels, identity);
    }
    this.#setProcess(status);
  }

  #setIdentity(slot: { readonly slot: string }, identity: IdentityStatus): void {
    for (const [name, help, value] of IDENTITY_GAUGES) {
      const now = value(identity);
      if (now !== undefined) this.#gauge(name, help, { ...slot, identity: identity.name }, now);
    }
  }

  /** By the names that every process has at Prometheus. */
  #setProcess({ startedAt }: AgentStatus): void {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    this.#set('process_cpu_seconds_total', 'User and system time.', {}, (user + system) / 1e6);
    this.#set('process_resident_memory_bytes', 'Resident memory.', {}, rss);
    this.#set('process_start_time_seconds', 'Start, since 1970.', {}, Date.parse(startedAt) / 1000);
    this.#set('nodejs_heap_size_used_bytes', 'Heap of JavaScript in use.', {}, heapUsed);
  }

  #gauge(name: string, help: string, labels: Readonly<Record<string, string>>, value: number): void {
    this.#set(`mhsm_pkcs11_${name}`, help, labels, value);
  }

  #set(name: string, help: string, labels: Readonly<Record<string, string>>, value: number): void {
    let gauge = this.#gauges.get(name);
    if (gauge === undefined) {
      gauge = new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.#registry] });
      this.#gauges.set(name, gauge);
    }
    gauge.set({ ...labels }, value);
  }
}
