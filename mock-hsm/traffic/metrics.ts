// Counters in Prometheus' text form (exposition format 0.0.4).

type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: Map<string, number>;
}

const family = (type: Family['type'], help: string): Family => ({ type, help, samples: new Map() });

export class Metrics {
  readonly #families = {
    mock_hsm_signs_total: family('counter', 'Signatures made, by key, version and algorithm.'),
    mock_hsm_requests_total: family('counter', 'Answered requests, by operation and status.'),
    mock_hsm_tls_connections_open: family('gauge', 'TLS connections open now.'),
    mock_hsm_tls_connections_opened_total: family('counter', 'TLS handshakes completed.'),
    mock_hsm_tls_connections_peak: family('gauge', 'Most TLS connections open at one time.'),
  };

  constructor() {
    const { mock_hsm_tls_connections_open: open, mock_hsm_tls_connections_opened_total: opened } = this.#families;
    for (const each of [open, opened, this.#families.mock_hsm_tls_connections_peak]) each.samples.set('', 0);
  }

  countSign(key: string, version: string, algorithm: string): void {
    add(this.#families.mock_hsm_signs_total, { key, version, algorithm }, 1);
  }

  countRequest(operation: string, status: number): void {
    add(this.#families.mock_hsm_requests_total, { operation, status: String(status) }, 1);
  }

  connectionOpened(): void {
    const { samples } = this.#families.mock_hsm_tls_connections_peak;
    const open = add(this.#families.mock_hsm_tls_connections_open, {}, 1);
    add(this.#families.mock_hsm_tls_connections_opened_total, {}, 1);
    samples.set('', Math.max(samples.get('') ?? 0, open));
  }

  connectionClosed(): void {
    add(this.#families.mock_hsm_tls_connections_open, {}, -1);
  }

  text(): string {
    const lines = Object.entries(this.#families).flatMap(([name, { type, help, samples }]) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...[...samples].map(([labels, value]) => `${name}${labels} ${value}`),
    ]);
    return `${lines.join('\n')}\n`;
  }
}

function add({ samples }: Family, labels: Labels, amount: number): number {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/["\\\n]/g, '_')}"`);
  const id = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
  const sum = (samples.get(id) ?? 0) + amount;
  samples.set(id, sum);
  return sum;
}
