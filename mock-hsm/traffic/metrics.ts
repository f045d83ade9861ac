// What the mock counts, for Prometheus.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; from a request that never left the event loop to one in a long queue. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

/** Series of signatures that are kept; keys and versions come and go without end. */
export const mostSignSeries = 5000;

export class Metrics {
  readonly #registry = new Registry();
  readonly #registers = { registers: [this.#registry] };
  readonly #signs = new Counter({
    ...this.#registers,
    name: 'mock_hsm_signs_total',
    help: 'Signatures made, by key, version and algorithm.',
    labelNames: ['key', 'version', 'algorithm'],
  });
  readonly #requests = new Counter({
    ...this.#registers,
    name: 'mock_hsm_requests_total',
    help: 'Answered requests, by operation and status.',
    labelNames: ['operation', 'status'],
  });
  readonly #durations = new Histogram({
    ...this.#registers,
    name: 'mock_hsm_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer, by operation.',
    labelNames: ['operation'],
    buckets,
  });
  readonly #queueWait = new Histogram({
    ...this.#registers,
    name: 'mock_hsm_queue_wait_seconds',
    help: 'Time that a request waited until the HSM took it; only with a profile.',
    buckets,
  });
  readonly #pending = new Gauge({
    ...this.#registers,
    name: 'mock_hsm_queue_length',
    help: 'Requests that wait for the HSM, are in it, or on the simulated network.',
  });
  readonly #throttled = new Counter({
    ...this.#registers,
    name: 'mock_hsm_throttled_total',
    help: 'Requests refused with 429 by the profile, by operation.',
    labelNames: ['operation'],
  });
  readonly #faults = new Counter({
    ...this.#registers,
    name: 'mock_hsm_faults_total',
    help: 'Faults that befell a request or a connection, by operation and kind.',
    labelNames: ['operation', 'kind'],
  });
  readonly #tokens = new Counter({
    ...this.#registers,
    name: 'mock_hsm_tokens_issued_total',
    help: 'Access tokens issued, by the operation that asked.',
    labelNames: ['operation'],
  });
  readonly #connectionsOpen = new Gauge({
    ...this.#registers,
    name: 'mock_hsm_tls_connections_open',
    help: 'TLS connections open now.',
  });
  readonly #connectionsOpened = new Counter({
    ...this.#registers,
    name: 'mock_hsm_tls_connections_opened_total',
    help: 'TLS handshakes completed.',
  });
  readonly #connectionsPeak = new Gauge({
    ...this.#registers,
    name: 'mock_hsm_tls_connections_peak',
    help: 'Most TLS connections open at one time.',
  });
  /** The labels of each series of signatures, the one counted last at the end. */
  readonly #signSeries = new Map<string, { key: string; version: string; algorithm: string }>();
  #open = 0;
  #peak = 0;
  #queued = 0;

  /** Drops the series that was not counted for the longest time when there are too many. */
  countSign(key: string, version: string, algorithm: string): void {
    const id = `${key} ${version} ${algorithm}`;
    const labels = this.#signSeries.get(id) ?? { key, version, algorithm };
    this.#signSeries.delete(id);
    this.#signSeries.set(id, labels);
    this.#signs.inc(labels);
    if (this.#signSeries.size <= mostSignSeries) return;
    const [oldest] = this.#signSeries;
    if (oldest === undefined) return;
    this.#signSeries.delete(oldest[0]);
    this.#signs.remove(oldest[1]);
  }

  countRequest(operation: string, status: number, durationMs: number): void {
    this.#requests.inc({ operation, status });
    this.#durations.observe({ operation }, durationMs / 1000);
  }

  /** A request got its turn in the HSM after so long. */
  observeTurn(waitedMs: number): void {
    this.#queueWait.observe(waitedMs / 1000);
  }

  /** So many more requests (fewer, when negative) wait for their time. */
  held(change: number): void {
    this.#queued += change;
    this.#pending.inc(change);
  }

  /** What the gauges show now. */
  get now(): { readonly connections: number; readonly queued: number } {
    return { connections: this.#open, queued: this.#queued };
  }

  countThrottled(operation: string): void {
    this.#throttled.inc({ operation });
  }

  countFault(operation: string, kind: string): void {
    this.#faults.inc({ operation, kind });
  }

  countToken(operation: string): void {
    this.#tokens.inc({ operation });
  }

  connectionOpened(): void {
    this.#open += 1;
    this.#peak = Math.max(this.#peak, this.#open);
    this.#connectionsOpened.inc();
    this.#connectionsOpen.set(this.#open);
    this.#connectionsPeak.set(this.#peak);
  }

  connectionClosed(): void {
    this.#open -= 1;
    this.#connectionsOpen.set(this.#open);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything, in Prometheus' text form. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
