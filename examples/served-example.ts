import { afterAll, beforeAll } from 'vitest';
import { Daemon } from '../demo/daemon.ts';
import { freePort } from '../demo/nginx.ts';
import type { Offload } from '../demo/offload.ts';
import { Site } from '../demo/site.ts';

/** A server that runs. */
export interface Running {
  /** As its service script does; resolves when new connections meet what was read. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/** How an example's server is run with the keys of a site. */
export interface Recipe {
  /** Names the site's folder. */
  name: string;
  /** Writes the server's files into the site's folder; gives what starts the server. */
  prepare(site: Site, port: number): Promise<() => Promise<Running>>;
}

/** A server of an example that runs with a site's keys. */
export interface Served {
  readonly site: Site;
  readonly port: number;
  /** Where the EC certificate of the first name is, if not at the same port. */
  readonly ecPort?: number;
  /** The HSM with the key of the second name, if not the site's. */
  readonly second?: Offload | undefined;
  reload(): Promise<void>;
  restart(): Promise<void>;
}

/** How a server that puts itself into the background is started, reloaded and stopped. */
export interface DaemonRecipe {
  pidFile: string;
  command: readonly [program: string, args: readonly string[]];
  env: NodeJS.ProcessEnv;
  reload: NodeJS.Signals | ((daemon: Daemon) => Promise<void>);
  /** SIGTERM when left out. */
  stop?: NodeJS.Signals;
}

/** What starts it; `running` is told the process that runs, for tests that look closer. */
export function daemon(recipe: DaemonRecipe, running?: (daemon: Daemon) => void): () => Promise<Running> {
  const { pidFile, command, env, reload, stop } = recipe;
  return async () => {
    const started = await Daemon.start(pidFile, ...command, env);
    running?.(started);
    return {
      reload: () => (typeof reload === 'string' ? started.replaceChildren(reload) : reload(started)),
      stop: () => started.stop(stop),
    };
  };
}

/** Runs an example's server during the tests of a file or a describe block. */
export function serveExample({ name, prepare }: Recipe): () => Served {
  let site: Site;
  let port: number;
  let start: () => Promise<Running>;
  let running: Running;

  beforeAll(async () => {
    site = await Site.start(name);
    port = await freePort();
    site.writeAuthority('tls/clients.crt');
    start = await prepare(site, port);
    running = await start();
  });

  afterAll(async () => {
    await running?.stop();
    await site?.stop();
  });

  return () => ({
    site,
    port,
    reload: () => running.reload(),
    restart: async () => {
      await running.stop();
      running = await start();
    },
  });
}
