import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { harden } from '../../native/addon/index.ts';
import packageFile from '../../package.json' with { type: 'json' };
import type { Configuration } from '../config/configuration.ts';
import { dumpOf } from '../config/dump.ts';
import { loadConfiguration } from '../config/load.ts';
import { ConfigurationError } from '../config/parse.ts';
import { MAX_PIN_BYTES } from '../core/hsm.ts';
import { createLog, type Log, warnOnStandardError } from '../log/log.ts';
import { Secrets } from '../log/secrets.ts';
import type { Pkcs11Error } from '../pkcs11/error.ts';
import type { Peer } from './admission.ts';
import { Agent, type CreateApplication, type Served } from './agent.ts';
import { tracing } from './call-line.ts';
import { fileVersion } from './configuration-file.ts';
import { descriptorLimit, mostConnections } from './connection-limits.ts';
import { type Control, openControl } from './control.ts';
import { watchDescriptors } from './descriptor-watch.ts';
import { type Dispatch, dispatch, type Pkcs11Request } from './dispatch.ts';
import { type AgentSignal, heedSignals } from './early-signals.ts';
import { traceApplication, traceHsm } from './function-trace.ts';
import { httpLines } from './http-lines.ts';
import { openLibrary } from './library.ts';
import { Observation } from './observation.ts';
import { TICKET_KEY_BYTES } from './ticket.ts';
import { keptTicketKey } from './ticket-key.ts';
import { becomeUser, defaultAgentUser, type User, userOf } from './user.ts';

const nothing = () => undefined;
const SILENT: Log = { error: nothing, warn: nothing, info: nothing, debug: nothing, secrets: new Secrets() };
/** It has nothing to keep. */
const IDLE_WITH_WRONG_CONFIGURATION_MS = 1000;
const MOST_EARLIER_MS = 500;
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
  readonly dispatchFor: ((peer: Peer) => Dispatch) | undefined;
  readonly user: User | undefined;
  readonly uids: ReadonlySet<number>;
  readonly observers: ReadonlySet<number>;
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

function openLog(configuration: Configuration, user: User | undefined, observation: Observation): Log {
  const values = { version: packageFile.version, configuration: dumpOf(configuration) };
  const log = createLog(configuration.log, {
    head: { line: `mhsm-pkcs11 ${packageFile.version}, configuration ${configuration.file}`, values },
    owner: user,
    warn: (line) => {
      observation.remember(line);
      warnOnStandardError(line);
    },
  });
  for (const { credential } of configuration.tokens) log.secrets.learn(credential?.clientSecret ?? '', 'accepted');
  return log;
}

const isHeard = ({ log: { flags } }: Configuration) => flags.SendToFile || flags.SendToStdErr || flags.SendToStdOut;

/** One behind a PIN is not part of it. */
const LINE_END_BYTES = 2;

/** What a call brings that no line may show. A longer PIN is refused unread, and would only be kept. */
function learnPin({ secrets }: Log, request: Pkcs11Request): void {
  if (request.call !== 'login' && request.call !== 'resumeLogin') return;
  const { pin } = request.fields;
  if ((pin?.length ?? 0) <= MAX_PIN_BYTES + LINE_END_BYTES) secrets.learnPin(pin);
}

/** How calls are made: with a line about each, where the configuration asks for it. PINs are learnt before any line. */
function dispatchOf(configuration: Configuration, log: Log): (peer: Peer) => Dispatch {
  const learning: Dispatch = (calls, request, report) => {
    learnPin(log, request);
    return dispatch(calls, request, report);
  };
  if (!isHeard(configuration) || !configuration.log.module.P11Interfaces) return () => learning;
  return (peer) => tracing(learning, (line) => log.debug(line, peer));
}

/** So that the agent's reason is with the module before the module gives up: its deadline is the configured one. */
function earlier({ requestMs, slowRequestMs }: Configuration['timeouts']): Configuration['timeouts'] {
  const less = (ms: number) => ms - Math.min(ms / 10, MOST_EARLIER_MS);
  return { requestMs: less(requestMs), slowRequestMs: less(slowRequestMs) };
}

/** The library with its traces, as the configuration asks for them. */
function openTraced(configuration: Configuration, log: Log, observation: Observation): CreateApplication {
  const { FunctionLevelTrace, curl } = configuration.log.module;
  const write = (line: string) => log.debug(line);
  const http = isHeard(configuration)
    ? httpLines({ level: curl.Level, displayAsHex: curl.DisplayAsHex, write: (line) => log.info(line) })
    : undefined;
  const traced = FunctionLevelTrace && isHeard(configuration);
  const punctual = { ...configuration, timeouts: earlier(configuration.timeouts) };
  const { library, served } = openLibrary(punctual, (line) => log.warn(line), {
    http,
    learnSecret: (secret, kind) => log.secrets.learn(secret, kind),
    observerOf: (slotId) => observation.metrics.observerOf(slotId),
    ...(traced && { watch: (hsm) => traceHsm(hsm, write) }),
  });
  observation.serve(served, configuration.ConnectionCache.MaxConnections);
  if (!traced) return (sessions) => library.createApplication(sessions);
  return (sessions) => traceApplication(library.createApplication(sessions), write);
}

function make(file: string, observation: Observation): Made {
  const { configuration, warnings } = loadConfiguration(file);
  const user = userFor(configuration);
  const log = observation.remembering(openLog(configuration, user, observation));
  for (const warning of warnings) {
    log.warn(warning);
    // The launcher passes standard error on to syslog.
    if (!isHeard(configuration)) process.stderr.write(`mhsm-pkcs11: warning: ${warning}\n`);
  }
  const uidsOf = (key: 'allowedUsers' | 'observers') =>
    configuration.agent[key].map((name) => userOf(name, `agent.${key}`).uid);
  const uids = new Set([ownUid(), ...(user === undefined ? [] : [user.uid]), ...uidsOf('allowedUsers')]);
  const observers = new Set(uidsOf('observers'));
  const createApplication = openTraced(configuration, log, observation);
  const dispatchFor = dispatchOf(configuration, log);
  return { served: { createApplication }, log, dispatchFor, user, uids, observers, configuration };
}

function makeOrTell(file: string, observation: Observation): Made {
  try {
    return make(file, observation);
  } catch (error) {
    const problem =
      error instanceof ConfigurationError
        ? error
        : new ConfigurationError(error instanceof Error ? error.message : String(error), `correct ${file}`, error);
    const user = ownUid() === 0 ? defaultAgentUser(file) : undefined;
    return {
      served: { wrongConfiguration: problem },
      log: SILENT,
      dispatchFor: undefined,
      user,
      uids: new Set([ownUid()]),
      observers: new Set(),
      configuration: undefined,
    };
  }
}

/** Makes everything that the file describes, and throws it away. Nothing is sent. */
function checkWhole(file: string): void {
  const { configuration } = loadConfiguration(file);
  void openLibrary(configuration, () => undefined).close();
}

/** How many connections of peers there may be beside those to the HSMs. */
function connectionsBeside(configuration: Configuration | undefined): number {
  const toHsms = (configuration?.tokens.length ?? 0) * (configuration?.ConnectionCache.MaxConnections ?? 0);
  return mostConnections(descriptorLimit(), toHsms);
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

/** A service manager names the folder where its service keeps what outlives it; without one, tickets end with the agent. */
function serviceTicketKey(): Uint8Array {
  const { RUNTIME_DIRECTORY: folder } = process.env;
  return folder ? keptTicketKey(folder) : randomBytes(TICKET_KEY_BYTES);
}

function giveUpRoot(user: User | undefined): void {
  if (user === undefined) return;
  becomeUser(user);
  harden();
}

function heed(agent: Agent, signal: AgentSignal): void {
  if (signal === 'SIGHUP') agent.renew();
  else agent.stop();
}

/**
 * The heap grows in small steps: a third less memory with thousands of keys. Not an option of its Node, for V8 takes the
 * code caches of Node's own modules, and of this program, only with the options that they were made with.
 */
function growSlowly(): void {
  setFlagsFromString('--heap-growing-percent=25');
}

/** Runs an agent until it is idle; resolves then. */
export async function startAgent(options: StartOptions): Promise<void> {
  harden();
  const { configurationFile, listenDescriptor, controlDescriptor } = options;
  const control: Control | undefined = controlDescriptor === undefined ? undefined : openControl(controlDescriptor);
  const configurationVersion = fileVersion(configurationFile) ?? [];
  const observation = new Observation();
  const { served, log, dispatchFor, user, uids, observers, configuration } = makeOrTell(configurationFile, observation);
  const idleMs =
    configuration === undefined ? IDLE_WITH_WRONG_CONFIGURATION_MS : configuration.agent.idleExitSeconds * 1000;
  const ticketKey = control?.ticketKey ?? serviceTicketKey();

  await new Promise<void>((resolve, reject) => {
    const onIdle = () => {
      log.info(`agent ${process.pid} ends`);
      resolve();
    };
    const agent = new Agent({
      configurationFile,
      configurationVersion,
      served,
      policy: { uids, observers, ticketKey },
      dispatchFor,
      deadlineMs: configuration?.timeouts.requestMs ?? DEFAULT_DEADLINE_MS,
      slowDeadlineMs: configuration?.timeouts.slowRequestMs ?? DEFAULT_SLOW_DEADLINE_MS,
      idleMs,
      maxConnections: connectionsBeside(configuration),
      control,
      log,
      observation,
      onIdle,
      problemOfConfigurationNow: () => problemOf(configurationFile),
    });
    // Before the first call: from here on nothing needs root, and nothing is done as root.
    giveUpRoot(user);
    watchDescriptors((line) => log.warn(line));
    agent.listen(listenDescriptor).then(() => {
      growSlowly();
      log.info(`agent ${process.pid} serves ${configurationFile} as user id ${ownUid()}`);
      heedSignals((signal) => heed(agent, signal));
    }, reject);
  });
}
