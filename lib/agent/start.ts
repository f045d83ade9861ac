import { harden } from '../../native/addon/index.ts';
import type { Configuration } from '../config/configuration.ts';
import { loadConfiguration } from '../config/load.ts';
import { ConfigurationError } from '../config/parse.ts';
import { createLog, type Log } from '../log/log.ts';
import type { Pkcs11Error } from '../pkcs11/error.ts';
import { Agent, type Served } from './agent.ts';
import { fileVersion } from './configuration-file.ts';
import { type Control, openControl } from './control.ts';
import { openLibrary } from './library.ts';
import { becomeUser, defaultAgentUser, type User, userOf } from './user.ts';

const SILENT: Log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
/** It has nothing to keep. */
const IDLE_WITH_WRONG_CONFIGURATION_MS = 1000;
const DEFAULT_DEADLINE_MS = 10_000;
const DEFAULT_SLOW_DEADLINE_MS = 60_000;

export interface StartOptions {
  readonly configurationFile: string;
  /** Descriptor of the listening socket. */
  readonly listenDescriptor: number;
  /** Descriptor of the launcher's control socket; none under a service manager. */
  readonly controlDescriptor: number | undefined;
}

/** Everything that the configuration decides, made before the first call and before root is given up. */
interface Made {
  readonly served: Served;
  readonly log: Log;
  readonly user: User | undefined;
  readonly uids: ReadonlySet<number>;
  readonly configuration: Configuration | undefined;
}

function ownUid(): number {
  return process.getuid?.() ?? -1;
}

function userFor(configuration: Configuration): User | undefined {
  if (ownUid() !== 0) return undefined;
  const { user } = configuration.agent;
  return user === undefined ? defaultAgentUser(configuration.file) : userOf(user, 'agent.user');
}

function make(file: string): Made {
  const { configuration, warnings } = loadConfiguration(file);
  const log = createLog(configuration.log);
  const { SendToFile, SendToStdErr, SendToStdOut } = configuration.log.flags;
  const isHeard = SendToFile || SendToStdErr || SendToStdOut;
  for (const warning of warnings) {
    log.warn(warning);
    // The launcher passes standard error on to syslog.
    if (!isHeard) process.stderr.write(`mhsm-pkcs11: warning: ${warning}\n`);
  }
  const user = userFor(configuration);
  const allowed = configuration.agent.allowedUsers.map((name) => userOf(name, 'agent.allowedUsers').uid);
  const uids = new Set([ownUid(), ...(user === undefined ? [] : [user.uid]), ...allowed]);
  const { library } = openLibrary(configuration, (line) => log.warn(line));
  return { served: { createApplication: () => library.createApplication() }, log, user, uids, configuration };
}

function makeOrTell(file: string): Made {
  try {
    return make(file);
  } catch (error) {
    const problem =
      error instanceof ConfigurationError
        ? error
        : new ConfigurationError(error instanceof Error ? error.message : String(error), `correct ${file}`, error);
    const user = ownUid() === 0 ? defaultAgentUser(file) : undefined;
    return {
      served: { wrongConfiguration: problem },
      log: SILENT,
      user,
      uids: new Set([ownUid()]),
      configuration: undefined,
    };
  }
}

/** Makes everything that the file describes, and throws it away. Nothing is sent. */
function checkWhole(file: string): void {
  const { configuration } = loadConfiguration(file);
  void openLibrary(configuration, () => undefined).close();
}

/** What is wrong with the file now; undefined also when the agent's user may not read it: its successor can. */
function problemOf(file: string): Pkcs11Error | undefined {
  try {
    checkWhole(file);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EACCES' ? undefined : error;
  }
}

function giveUpRoot(user: User | undefined): void {
  if (user === undefined) return;
  becomeUser(user);
  harden();
}

/** Runs an agent until it is idle; resolves then. */
export async function startAgent(options: StartOptions): Promise<void> {
  harden();
  const { configurationFile, listenDescriptor, controlDescriptor } = options;
  const control: Control | undefined = controlDescriptor === undefined ? undefined : openControl(controlDescriptor);
  const configurationVersion = fileVersion(configurationFile) ?? [];
  const { served, log, user, uids, configuration } = makeOrTell(configurationFile);
  const idleMs =
    configuration === undefined ? IDLE_WITH_WRONG_CONFIGURATION_MS : configuration.agent.idleExitSeconds * 1000;
  const ticketKey = control?.ticketKey ?? crypto.getRandomValues(new Uint8Array(32));

  await new Promise<void>((resolve, reject) => {
    const agent = new Agent({
      configurationFile,
      configurationVersion,
      served,
      policy: { uids, ticketKey },
      deadlineMs: configuration?.timeouts.requestMs ?? DEFAULT_DEADLINE_MS,
      slowDeadlineMs: configuration?.timeouts.slowRequestMs ?? DEFAULT_SLOW_DEADLINE_MS,
      idleMs,
      control,
      log,
      onIdle: resolve,
      problemOfConfigurationNow: () => problemOf(configurationFile),
    });
    process.once('SIGTERM', () => resolve());
    // Before the first call: from here on nothing needs root, and nothing is done as root.
    giveUpRoot(user);
    agent
      .listen(listenDescriptor)
      .then(() => log.info(`agent ${process.pid} serves ${configurationFile} as user id ${ownUid()}`), reject);
  });
}
