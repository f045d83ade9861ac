/** What an agent says of itself: `mhsm-p11 status --json` prints it as it is. Secrets have no place in it. */
import type { TokenConfiguration } from '../config/configuration.ts';
import type { RestHsm } from '../mhsm/hsm.ts';
import type { Metrics } from './metrics.ts';
import type { RecentLine } from './recent-lines.ts';

export interface SlotStatus {
  readonly slotId: number;
  readonly label: string;
  readonly url: string;
  readonly maxConnections: number;
  readonly connections: number;
  readonly busyConnections: number;
  /** Requests that wait for a connection. */
  readonly queued: number;
  /** Since the agent started. */
  readonly signatures: {
    readonly made: number;
    readonly failed: number;
    readonly last: { readonly key: string; readonly at: string } | null;
  };
  /** Who has a token. */
  readonly identities: readonly {
    readonly name: string;
    readonly tokenAgeSeconds: number;
    /** Less than 0: it has ended. */
    readonly tokenLeftSeconds: number;
    readonly keyListAgeSeconds: number | null;
    readonly keys: number | null;
  }[];
}

/** A process that uses the agent. */
export interface ClientStatus {
  readonly pid: number;
  readonly uid: number;
  readonly connections: number;
  readonly sessions: number;
}

export interface AgentStatus {
  readonly pid: number;
  readonly uid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly configuration: {
    readonly file: string;
    /** The file is another one by now: a server that starts or reloads takes it. */
    readonly changed: boolean;
    /** Why the agent serves nobody. */
    readonly problem: string | null;
  };
  readonly slots: readonly SlotStatus[];
  readonly clients: readonly ClientStatus[];
  /** Errors and warnings, the newest first. */
  readonly recent: readonly RecentLine[];
}

/** One token of the configuration and its HSM. */
export interface ServedSlot {
  readonly token: TokenConfiguration;
  readonly hsm: RestHsm;
}

const seconds = (ms: number) => Math.round(ms / 100) / 10;

function identitiesOf(hsm: RestHsm): SlotStatus['identities'] {
  const all = hsm.identities.flatMap(({ name, token, keyList }) => {
    if (token === undefined) return [];
    const identity = {
      name,
      tokenAgeSeconds: seconds(token.ageMs),
      tokenLeftSeconds: seconds(token.leftMs),
      keyListAgeSeconds: keyList === undefined ? null : seconds(keyList.ageMs),
      keys: keyList?.keys ?? null,
    };
    return [[name, identity] as const];
  });
  // Two secrets of one principal are one name: the one used last counts.
  return [...new Map(all).values()];
}

/** A slot as it is now. */
export function slotStatus({ token, hsm }: ServedSlot, maxConnections: number, metrics: Metrics): SlotStatus {
  const { connected, running, queued } = hsm.stats;
  const { made, failed, last } = metrics.useOf(token.slotid);
  return {
    slotId: token.slotid,
    label: token.label,
    url: hsm.url,
    maxConnections,
    connections: connected,
    busyConnections: running,
    queued,
    signatures: { made, failed, last: last ? { key: last.key, at: new Date(last.atMs).toISOString() } : null },
    identities: identitiesOf(hsm),
  };
}
