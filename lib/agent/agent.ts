import { createServer, type Server, type Socket } from 'node:net';
import { descriptorOf, peerCredentials } from '../../native/addon/index.ts';
import type { SessionAllowance } from '../core/session.ts';
import type { Pkcs11Error } from '../pkcs11/error.ts';
import { type AdmissionPolicy, mayObserve, type Peer } from './admission.ts';
import { type Client, Clients } from './clients.ts';
import { type FileVersion, fileVersion, sameVersion } from './configuration-file.ts';
import { Connection, type Host, type ServedCalls } from './connection.ts';
import { ConnectionLimits } from './connection-limits.ts';
import type { Control } from './control.ts';
import type { Dispatch } from './dispatch.ts';
import { Ending } from './ending.ts';
import type { Observation } from './observation.ts';
import { createMute, createReports, type ReportLog, type Reports } from './report.ts';
import type { AgentStatus, ClientStatus } from './status.ts';
import { StatusPages } from './status-pages.ts';

export interface AgentLog extends ReportLog {
  info(line: string): void;
  warn(line: string): void;
}

/** The calls of one client, and what of it is open. */
export type ServedApplication = ServedCalls & { readonly sessionCounts: ReadonlyMap<number, number> };

/** Makes the functions of one client process, which may have so many sessions. */
export type CreateApplication = (sessions: SessionAllowance) => ServedApplication;

/** What the agent serves: a library made from a configuration, or what is wrong with that configuration. */
export type Served = { readonly createApplication: CreateApplication } | { readonly wrongConfiguration: Pkcs11Error };

export interface AgentOptions {
  readonly configurationFile: string;
  /** The version of the file that `served` was made from. */
  readonly configurationVersion: FileVersion;
  readonly served: Served;
  readonly policy: AdmissionPolicy;
  /** Makes the calls of a connection; by default without a trace. */
  readonly dispatchFor?: ((peer: Peer) => Dispatch) | undefined;
  readonly deadlineMs: number;
  readonly slowDeadlineMs: number;
  /** How long it stays without any connection. */
  readonly idleMs: number;
  /** Of all peers together. */
  readonly maxConnections: number;
  /** Absent under a service manager that starts agents itself. */
  readonly control: Control | undefined;
  readonly log: AgentLog;
  readonly observation: Observation;
  /** Called once, when nobody is left to be served. */
  readonly onIdle: () => void;
  /** What the file holds now: its problem, or undefined when it is good or cannot be read by the agent's user. */
  readonly problemOfConfigurationNow: () => Pkcs11Error | undefined;
}

/** One request to stop may come as two signals: a service manager tells all processes, the launcher passes its own on. */
const SAME_STOP_MS = 500;
/** Within what a launcher waits for a word of an agent that ends. */
const WORD_MS = 1000;

type ClientEntry = Clients<ServedApplication>['all'][number];

/** The kernel's word on who connected. */
function peerOf(socket: object): Peer | undefined {
  const descriptor = descriptorOf(socket);
  return descriptor === undefined ? undefined : peerCredentials(descriptor);
}

function statusOfClient({ peer, connections, application }: ClientEntry): ClientStatus {
  const sessions = [...application.sessionCounts.values()].reduce((sum, count) => sum + count, 0);
  return { pid: peer.pid, uid: peer.uid, connections, sessions };
}

/** Accepts connections, and goes when it is idle or when a successor took over and its last client has left. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #server: Server;
  readonly #clients: Clients<ServedApplication>;
  readonly #pages: StatusPages;
  readonly #observers = new WeakSet<Socket>();
  readonly #open = new Set<Connection>();
  #retires = false;
  /** When it was asked to end. */
  #stopsSinceMs: number | undefined;
  readonly #ending: Ending<Connection>;
  /** A successor is on its way. */
  #renews = false;
  readonly #limits: ConnectionLimits;
  readonly #reports: Reports;
  readonly #isMuted = createMute(() => performance.now());
  #connections = 0;
  /** Number of the last connection. */
  #lastConnection = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  /** When it leaves if nobody comes; who only looks does not put that off. */
  #leavesAtMs: number | undefined;
  #drains = false;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#reports = createReports(options.log, () => performance.now());
    const { served } = options;
    this.#limits = new ConnectionLimits(options.maxConnections);
    this.#ending = new Ending({
      deadlineMs: options.deadlineMs,
      slowDeadlineMs: options.slowDeadlineMs,
      connections: () => this.#open,
      retire: () => this.#retire(),
      cut: (connections) => this.#cut(connections),
      end: () => this.end(),
    });
    this.#clients = new Clients((sessions) => {
      if ('wrongConfiguration' in served) throw served.wrongConfiguration;
      return served.createApplication(sessions);
    });
    this.#pages = this.#statusPages();
    const host = this.#host();
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket, host));
    this.#server.maxConnections = options.maxConnections;
    this.#server.on('drop', () =>
      this.#say(`there are ${options.maxConnections} connections: more are closed at once`),
    );
  }

  #accept(socket: Socket, host: Host): void {
    const credentials = peerOf(socket);
    if (credentials === undefined) return void socket.destroy();
    const peer = { ...credentials, connection: ++this.#lastConnection };
    const makeRoom = () => {
      this.#sayClosed(peer, 'its user has too many that say no hello');
      socket.destroy();
    };
    if (!this.#limits.enter(peer, makeRoom)) {
      this.#sayClosed(peer, 'its user has half of all that there may be');
      return void socket.destroy();
    }
    this.#opened();
    const connection = new Connection(socket, peer, host);
    this.#open.add(connection);
    socket.once('close', () => {
      this.#limits.leave(peer);
      this.#open.delete(connection);
      this.#closed(socket);
    });
  }

  /** Who connects in vain, as often as it likes, fills no log: a line a second. */
  #say(line: string, about = line): void {
    if (!this.#isMuted(about)) this.#options.log.info(line);
  }

  #sayClosed({ pid, uid }: Peer, why: string): void {
    this.#say(`connection of process ${pid} (user id ${uid}) closed: ${why}`, `closed ${uid}`);
  }

  /** Serves on a listening socket that the launcher or the service manager passed on. */
  listen(descriptor: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ fd: descriptor }, () => {
        this.#rest();
        this.#options.control?.ready();
        // Without its launcher a crash would end it for good: the next process that may starts both anew.
        this.#options.control?.watch({
          launcherGone: () => this.drain(),
          successorReady: () => {
            if (this.#renews) this.#ending.handOver();
          },
        });
        resolve();
      });
    });
  }

  /**
   * Lets go of each connection between two of its operations: the next call finds it closed and goes to the successor, or
   * waits for it in the backlog, and is made there. Ends when the last has gone.
   */
  #retire(): void {
    this.#options.log.info(`agent ${process.pid} retires: its clients go to the next one`);
    this.#retires = true;
    this.drain();
    for (const connection of this.#open) connection.retire();
  }

  /** Ends when what is under way has ended, serving on meanwhile where nobody else does; asked again it ends at once. */
  stop(): void {
    const now = performance.now();
    if (this.#stopsSinceMs !== undefined && now - this.#stopsSinceMs >= SAME_STOP_MS) return this.end();
    if (this.#stopsSinceMs !== undefined) return;
    this.#stopsSinceMs = now;
    this.#keepWord();
    this.#goes();
  }

  #keepWord(): void {
    const { control } = this.#options;
    if (control === undefined) return;
    control.endsStill();
    setInterval(() => control.endsStill(), WORD_MS).unref();
  }

  #goes(): void {
    // Who drains has a successor, or no launcher: its clients start one.
    if (this.#drains) this.#ending.handOver();
    else this.#ending.stop();
  }

  /** Ends now, whatever is under way. */
  end(): void {
    this.#cut([...this.#open]);
    this.#ended();
  }

  #ended(): void {
    this.#ending.close();
    this.#reports.flush();
    this.#options.onIdle();
  }

  #cut(connections: readonly Connection[]): void {
    const lost = connections.flatMap((connection) => connection.unfinished ?? []);
    if (lost.length > 0) this.#options.log.warn(`agent ${process.pid} ends and cuts ${lost.join(', ')}`);
    for (const connection of connections) connection.cut();
  }

  /**
   * Asks for a successor that runs what is installed now, and retires when it is ready; asked again meanwhile, or after it
   * handed over, for a successor of that one. Without a launcher it just retires.
   */
  renew(): void {
    const { control, log } = this.#options;
    if (control === undefined) return this.#goes();
    if (!this.#drains) this.#renews = true;
    log.info(`agent ${process.pid} asks for a successor`);
    control.askForSuccessor();
  }

  /** Stops accepting; connections that are open are served to their end. */
  drain(): void {
    this.#drains = true;
    this.#leavesAtMs = undefined;
    this.#server.close();
    this.#rest();
  }

  #host(): Host {
    const { policy, configurationFile, deadlineMs, slowDeadlineMs, dispatchFor } = this.#options;
    return {
      ...(dispatchFor && { dispatchFor }),
      policy,
      configurationFile,
      deadlineMs,
      slowDeadlineMs,
      reportToCaller: this.#reports.to,
      answered: (call, rv) => this.#options.observation.metrics.countCall(call, rv),
      retires: () => this.#retires,
      showStatus: (socket, peer, first) => this.#showStatus(socket, peer, first),
      closes: (peer, why) => this.#sayClosed(peer, why),
      join: (instance, peer) => this.#join(instance, peer),
      handsOver: (seen, peer) => this.#handsOver(seen, peer),
    };
  }

  #statusPages(): StatusPages {
    const { metrics } = this.#options.observation;
    return new StatusPages({
      '/metrics': { contentType: metrics.contentType, text: () => metrics.text(this.#status()) },
      '/status': { contentType: 'application/json', text: () => JSON.stringify(this.#status()) },
    });
  }

  #showStatus(socket: Socket, peer: Peer, first: Buffer): void {
    const { policy, configurationFile } = this.#options;
    this.#observers.add(socket);
    if (mayObserve(policy, peer)) return this.#pages.take(socket, first);
    const why = `user id ${peer.uid} may not look: list it under agent.observers in ${configurationFile}`;
    StatusPages.refuse(socket, why);
  }

  #status(): AgentStatus {
    const { observation, served, configurationFile, configurationVersion } = this.#options;
    const now = fileVersion(configurationFile);
    return observation.status({
      configuration: {
        file: configurationFile,
        changed: now !== undefined && !sameVersion(now, configurationVersion),
        problem: 'wrongConfiguration' in served ? served.wrongConfiguration.line : null,
      },
      clients: this.#clients.all.map(statusOfClient),
    });
  }

  #join(instance: Uint8Array, peer: Peer): Client<ServedCalls> {
    const client = this.#clients.join(instance, peer);
    this.#limits.greeted(peer);
    return client;
  }

  /**
   * A fresh process saw another version of the configuration file than this agent serves: a successor shall serve it.
   * Throws what is wrong with the new version instead, so that workers of the old one are served as before.
   */
  #handsOver(seen: FileVersion, peer: Peer): boolean {
    const { control, configurationFile, configurationVersion, log, problemOfConfigurationNow } = this.#options;
    // What the agent sees itself counts. Where it may not look, root's word does; others may see another file, or none.
    const now = fileVersion(configurationFile) ?? (peer.uid === 0 ? seen : configurationVersion);
    if (sameVersion(now, configurationVersion)) return false;
    if (control === undefined) {
      this.#say("the configuration file changed: restart the agent's service to serve it");
      return false;
    }
    const problem = problemOfConfigurationNow();
    if (problem !== undefined) throw problem;
    if (!this.#drains) {
      log.info('the configuration file changed: a successor takes over');
      control.askForSuccessor();
      this.drain();
    }
    return true;
  }

  #opened(): void {
    this.#connections++;
    clearTimeout(this.#idleTimer);
  }

  #closed(socket: Socket): void {
    this.#connections--;
    if (!this.#observers.has(socket)) this.#leavesAtMs = undefined;
    this.#rest();
  }

  #rest(): void {
    if (this.#connections > 0) return;
    clearTimeout(this.#idleTimer);
    this.#leavesAtMs ??= performance.now() + (this.#drains ? 0 : this.#options.idleMs);
    this.#idleTimer = setTimeout(
      () => {
        this.#server.close();
        this.#ended();
      },
      Math.max(0, this.#leavesAtMs - performance.now()),
    );
  }
}
