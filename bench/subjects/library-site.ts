/** One configuration of the library, and the agent that belongs to it alone. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '../../demo/process.ts';
import { processesWith, signalProcessesWith } from '../processes.ts';
import type { Point } from '../result.ts';
import type { BenchHsm } from './hsm.ts';

/** Longer than any pause between two loads. */
const IDLE_EXIT_SECONDS = 30;

export class LibrarySite {
  readonly folder: string;
  readonly configurationFile: string;
  readonly tokenLabel = 'bench';

  /** Writes the configuration into `folder`, which it makes. */
  constructor(folder: string, hsm: BenchHsm, { maxConnections, signer }: Pick<Point, 'maxConnections' | 'signer'>) {
    mkdirSync(folder, { recursive: true });
    this.folder = folder;
    this.configurationFile = join(folder, 'mhsm-pkcs11.conf');
    const configuration = {
      ...hsm.sections,
      tokens: [{ slotid: 0, resourceName: this.tokenLabel, ...hsm.token }],
      ConnectionCache: { Disable: signer === 'library-uncached', MaxConnections: maxConnections },
      agent: { idleExitSeconds: IDLE_EXIT_SECONDS },
    };
    writeFileSync(this.configurationFile, JSON.stringify(configuration, null, 2), { mode: 0o600 });
  }

  /** Process id of the agent; undefined while there is none. */
  get agent(): number | undefined {
    return processesWith(this.configurationFile).find(({ commandLine }) => commandLine.includes('agent.cjs'))?.pid;
  }

  /** Ends agent and launcher, and waits until they are gone. */
  async stop(): Promise<void> {
    signalProcessesWith(this.configurationFile, 'SIGTERM');
    await waitFor(`the end of the agent of ${this.configurationFile}`, () =>
      processesWith(this.configurationFile).length === 0 ? true : undefined,
    );
  }
}
