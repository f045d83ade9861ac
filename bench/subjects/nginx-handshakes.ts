/** New TLS 1.3 connections to nginx, whose key is in the HSM, in SoftHSM, or in a PEM file. */
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, fromExample } from '../../demo/nginx.ts';
import { MODULE, MODULE_ENVIRONMENT } from '../../demo/tested-module.ts';
import { LoadProgram } from '../load-program.ts';
import type { Point } from '../result.ts';
import { type KeyFiles, localKeyFile } from './key-files.ts';
import { LibrarySite } from './library-site.ts';
import { startNginx, stopNginx, workersOf } from './nginx-process.ts';
import type { Rig } from './rig.ts';
import { SOFTHSM_MODULE } from './softhsm-token.ts';
import type { LoadReport, Processes, Subject } from './subject.ts';

const WORKERS_USER = 'www-data';
/** One connection is in the signature; with only one more that waits, some workers idle while others queue. */
const CLIENTS_A_WORKER = 4;
/** The system shares connections out unevenly; few workers need more of them for all to be busy. */
const FEWEST_CLIENTS = 16;

/** The key as nginx names it, and what its process needs to find it. */
interface ServedKey {
  readonly reference: string;
  readonly env: NodeJS.ProcessEnv;
}

const PAIR = (key: string, label: string) =>
  `        ssl_certificate     /etc/nginx/tls/${key}.crt;
        ssl_certificate_key "engine:pkcs11:pkcs11:token=myhsm;object=${label};type=private";
`;

/** The example's configuration with one key, so many workers, and no session that could be resumed. */
function configurationOf(folder: string, port: number, workers: number, { certificateFile }: KeyFiles, key: ServedKey) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temporary.map((name) => `    ${name}_temp_path ${folder}/${name};\n`).join('');
  return fromExample('nginx/nginx.conf', {
    'user www-data': `daemon off;\nenv SOFTHSM2_CONF;\nuser ${WORKERS_USER}`,
    'worker_processes 2': `worker_processes ${workers}`,
    'listen 443': `listen 127.0.0.1:${port}`,
    '/run/nginx.pid': join(folder, 'nginx.pid'),
    '/var/log/nginx/error.log': join(folder, 'error.log'),
    [PAIR('ec', 'tlsEc')]: '',
    [PAIR('rsa', 'tlsRsa')]:
      `        ssl_certificate ${certificateFile};\n        ssl_certificate_key "${key.reference}";\n`,
    'ssl_session_cache shared:tls:10m;': 'ssl_session_cache off;\n        ssl_session_tickets off;',
    'http {\n': `http {\n${paths}`,
  });
}

/** OpenSSL's configuration that loads a module through the pkcs11 engine; gives the environment that names it. */
function useEngine(folder: string, module: string, pin: string): NodeJS.ProcessEnv {
  const file = join(folder, 'openssl.cnf');
  const changes = { '/usr/lib/libmhsm-pkcs11.so': module, 'PIN = client-id:client-secret': `PIN = ${pin}` };
  writeFileSync(file, fromExample('nginx/openssl-mhsm.cnf', changes), { mode: 0o600 });
  return { PATH: process.env.PATH, OPENSSL_CONF: file };
}

/** RFC 7512; CKA_ID is written by percent-encoded bytes. */
function engineReference(token: string, { label, id }: KeyFiles): string {
  const byId = id === undefined ? '' : `id=${id.replace(/../g, '%$&')};`;
  return `engine:pkcs11:pkcs11:token=${token};${byId}object=${label};type=private`;
}

export class NginxHandshakes implements Subject {
  readonly #nginx: ChildProcess;
  readonly #client: LoadProgram;
  readonly #site: LibrarySite | undefined;

  private constructor(nginx: ChildProcess, client: LoadProgram, site: LibrarySite | undefined) {
    this.#nginx = nginx;
    this.#client = client;
    this.#site = site;
  }

  static async ofLibrary(point: Point, rig: Rig): Promise<NginxHandshakes> {
    const key = await rig.key(point.keyType);
    const site = new LibrarySite(rig.newFolder(), rig.hsm, point);
    const { folder, tokenLabel, configurationFile } = site;
    const engine = useEngine(folder, MODULE, rig.hsm.pin);
    const env = { ...MODULE_ENVIRONMENT, ...engine, MHSM_PKCS11_CONF: configurationFile };
    try {
      const served = { reference: engineReference(tokenLabel, key), env };
      return await NginxHandshakes.#open(folder, point, key, served, site);
    } catch (error) {
      await site.stop();
      throw error;
    }
  }

  static async ofSoftHsm(point: Point, rig: Rig): Promise<NginxHandshakes> {
    const key = await rig.key(point.keyType);
    const token = await rig.softHsmWith(point.keyType);
    await token.giveTo(WORKERS_USER);
    const folder = rig.newFolder();
    const env = { ...useEngine(folder, SOFTHSM_MODULE, token.pin), ...token.environment };
    return NginxHandshakes.#open(folder, point, key, { reference: engineReference(token.label, key), env });
  }

  static async ofPem(point: Point, rig: Rig): Promise<NginxHandshakes> {
    const key = await rig.key(point.keyType);
    return NginxHandshakes.#open(rig.newFolder(), point, key, { reference: localKeyFile(key), env: {} });
  }

  static async #open(folder: string, { workers }: Point, key: KeyFiles, served: ServedKey, site?: LibrarySite) {
    const port = await freePort();
    const configuration = configurationOf(folder, port, workers, key, served);
    const nginx = await startNginx({ folder, configuration, workers, env: served.env });
    try {
      const lanes = Math.max(FEWEST_CLIENTS, CLIENTS_A_WORKER * workers);
      return new NginxHandshakes(nginx, await LoadProgram.start('handshakes', [String(port), String(lanes)]), site);
    } catch (error) {
      await stopNginx(nginx);
      throw error;
    }
  }

  run(durationMs: number, most?: number): Promise<LoadReport> {
    return this.#client.run(durationMs, most);
  }

  async processes(): Promise<Processes> {
    return { agent: this.#site?.agent, workers: workersOf(this.#nginx), client: [this.#client.pid] };
  }

  async stop(): Promise<void> {
    await this.#client.stop();
    await stopNginx(this.#nginx);
    await this.#site?.stop();
  }
}
