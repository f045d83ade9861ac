import packageFile from '../../package.json' with { type: 'json' };
import type { Log } from '../log/log.ts';
import { Metrics } from './metrics.ts';
import { type RecentLine, RecentLines } from './recent-lines.ts';
import { type AgentStatus, type ServedSlot, slotStatus } from './status.ts';

/** What the agent alone knows. */
export type AgentPart = Pick<AgentStatus, 'configuration' | 'clients'>;

/** Everything that is known of an agent for those who look after it. */
export class Observation {
  readonly metrics = new Metrics();
  readonly #recent = new RecentLines();
  readonly #startedAt = new Date();
  #slots: readonly ServedSlot[] = [];
  #maxConnections = 0;

  serve(slots: readonly ServedSlot[], maxConnections: number): void {
    this.#slots = slots;
    this.#maxConnections = maxConnections;
  }

  /** A warning that no log takes any more. */
  remember(line: string): void {
    this.#recent.add('warning', line, 1);
  }

  /** The same log, whose errors and warnings are remembered too; as little as the log do they show secrets. */
  remembering(log: Log): Log {
    const keep = (level: RecentLine['level'], line: string, times = 1) =>
      this.#recent.add(level, log.secrets.redact(line), times);
    return {
      ...log,
      error: (line, caller, times) => {
        keep('error', line, times);
        log.error(line, caller, times);
      },
      warn: (line, caller) => {
        keep('warning', line);
        log.warn(line, caller);
      },
    };
  }

  status(part: AgentPart): AgentStatus {
    return {
      pid: process.pid,
      uid: process.getuid?.() ?? -1,
      version: packageFile.version,
      startedAt: this.#startedAt.toISOString(),
      uptimeSeconds: Math.round((Date.now() - this.#startedAt.getTime()) / 1000),
      ...part,
      slots: this.#slots.map((slot) => slotStatus(slot, this.#maxConnections, this.metrics)),
      recent: this.#recent.all,
    };
  }
}
