import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signalProcessesWith } from '../bench/processes.ts';
import type { Nginx } from '../demo/nginx.ts';
import { BIN, Offload, SERVER_NAME } from '../demo/offload.ts';
import { mustRun, waitFor } from '../demo/process.ts';
import { Established } from './established.ts';
import { HandshakeLoad } from './handshake-load.ts';
import { HsmAddress } from './hsm-address.ts';
import { openLogFolder } from './log-folder.ts';
import { LogLines } from './log-lines.ts';
import { OWN_MOUNTS } from './mount-namespace.ts';

export interface SceneOptions {
  /** `timeouts.requestMs` of the configuration: how long a worker may stand still. */
  readonly deadlineMs: number;
  readonly ratePerSecond: number;
}

/** What a scene keeps in the file system. */
interface Folder {
  readonly path: string;
  readonly logFolder: string;
  readonly closeLogFolder: () => void;
}

const HELD_SESSIONS = 8;
/** A client of a server that stands still waits for those before it, too. */
const PATIENCE_DEADLINES = 3;

/** nginx under load before the library and mock-hsm, all as separate processes, and the hands to harm them. */
export class Scene {
  readonly deadlineMs: number;
  readonly offload: Offload;
  readonly nginx: Nginx;
  readonly load: HandshakeLoad;
  readonly log: LogLines;
  /** Where the agents write. */
  readonly logFolder: string;
  readonly hsmAddress: HsmAddress;
  /** The server's client secret. */
  clientSecret: string;
  /** Private, of this scene alone. */
  readonly folder: string;

  readonly #closeLogFolder: () => void;

  private constructor(folder: Folder, offload: Offload, nginx: Nginx, { deadlineMs, ratePerSecond }: SceneOptions) {
    this.folder = folder.path;
    this.#closeLogFolder = folder.closeLogFolder;
    this.hsmAddress = new HsmAddress(offload.mock.url, folder.path);
    this.clientSecret = offload.mock.offload.clientSecret;
    this.offload = offload;
    this.nginx = nginx;
    this.deadlineMs = deadlineMs;
    this.logFolder = folder.logFolder;
    this.log = new LogLines(nginx.errorLog, this.logFolder);
    this.load = new HandshakeLoad(
      {
        port: nginx.setting.port,
        certificateFile: nginx.certificateFile('EC'),
        servername: SERVER_NAME,
        patienceMs: deadlineMs * PATIENCE_DEADLINES,
      },
      ratePerSecond,
    );
  }

  static async start(options: SceneOptions): Promise<Scene> {
    const folder = mkdtempSync(join(tmpdir(), 'mhsm-faults-'));
    // Whatever ends this process, all that it started has the folder among its arguments; some of it may be stopped.
    process.once('exit', () => signalProcessesWith(folder, 'SIGKILL'));
    const logFolder = join(folder, 'log');
    const closeLogFolder = openLogFolder(logFolder);
    const log = { directory: logFolder, flags: { SendToFile: true } };
    const offload = await Offload.start(folder, { top: { log, timeouts: { requestMs: options.deadlineMs } } });
    const nginx = await offload.serve(OWN_MOUNTS);
    const scene = new Scene({ path: folder, logFolder, closeLogFolder }, offload, nginx, options);
    scene.load.start();
    return scene;
  }

  openSessions(): Promise<Established> {
    const { setting } = this.nginx;
    return Established.open(setting.port, this.nginx.certificateFile('EC'), SERVER_NAME, HELD_SESSIONS);
  }

  /** Waits until some clients more got what they wanted. */
  async moreServed(count = 20, when = ''): Promise<void> {
    const { tally } = this.load;
    const enough = tally.done + count;
    await waitFor(`handshakes ${when}`, () => (tally.done >= enough ? true : undefined), 60);
  }

  /** Errors and warnings of the agent since then, where `mhsm-p11 status` shows what no log could take. */
  async remembered(sinceMs: number): Promise<string[]> {
    const env = { PATH: process.env.PATH, MHSM_PKCS11_CONF: this.offload.configurationFile };
    const { stdout } = await mustRun(join(BIN, 'mhsm-p11'), ['status', '--json'], { env });
    const { recent } = JSON.parse(stdout) as { recent: readonly { at: string; line: string }[] };
    return recent.filter(({ at }) => Date.parse(at) >= sinceMs).map(({ line }) => line);
  }

  async stop(): Promise<void> {
    await this.load.stop();
    await this.nginx.stop();
    await this.offload.stop();
    this.hsmAddress.close();
    this.#closeLogFolder();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
