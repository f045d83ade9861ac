import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Finished, mustRun, runProgram, waitFor } from './process.ts';
import { MODULE, MODULE_ENVIRONMENT } from './tested-module.ts';

const EXAMPLES = join(import.meta.dirname, '../examples');

export interface NginxSetting {
  /** A private folder for configuration, certificates, PIN file, pid file and log. */
  folder: string;
  port: number;
  token: string;
  pin: string;
  rsaLabel: string;
  ecLabel: string;
  /** Path of mhsm-pkcs11.conf. */
  configurationFile: string;
  /** Words before the command that starts it. */
  startedBy?: readonly string[];
}

/** A TCP port of 127.0.0.1 that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

/** An example's text with what its user is told to change. Throws when it does not hold what is to be changed. */
export function fromExample(file: string, replacements: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(EXAMPLES, file), 'utf8');
  for (const [from, to] of Object.entries(replacements)) {
    if (!text.includes(from)) throw new Error(`examples/${file} does not hold ${from}: the demo must follow it`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** The environment that makes OpenSSL load the module through its pkcs11 engine. */
export function engineEnvironment(folder: string, configurationFile: string): NodeJS.ProcessEnv {
  return {
    ...MODULE_ENVIRONMENT,
    PATH: process.env.PATH,
    OPENSSL_CONF: join(folder, 'openssl-mhsm.cnf'),
    MHSM_PKCS11_CONF: configurationFile,
  };
}

export function writeEngineConfiguration(folder: string, pin: string): void {
  const text = fromExample('nginx/openssl-mhsm.cnf', {
    '/usr/lib/libmhsm-pkcs11.so': MODULE,
    'PIN = client-id:client-secret': `PIN = ${pin}`,
  });
  writeFileSync(join(folder, 'openssl-mhsm.cnf'), text, { mode: 0o600 });
}

/** Debian's nginx with the files of examples/nginx, moved into a private folder. */
export class Nginx {
  readonly setting: NginxSetting;
  readonly #configuration: string;

  constructor(setting: NginxSetting) {
    this.setting = setting;
    const { folder } = setting;
    this.#configuration = join(folder, 'nginx.conf');
    mkdirSync(join(folder, 'tls'), { recursive: true });
    writeEngineConfiguration(folder, setting.pin);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const paths = temporary.map((name) => `    ${name}_temp_path ${folder}/${name};\n`).join('');
    writeFileSync(
      this.#configuration,
      fromExample('nginx/nginx.conf', {
        'listen 443': `listen 127.0.0.1:${setting.port}`,
        '/etc/nginx/tls': join(folder, 'tls'),
        '/run/nginx.pid': this.pidFile,
        '/var/log/nginx/error.log': this.errorLog,
        'token=myhsm': `token=${setting.token}`,
        'object=tlsRsa': `object=${setting.rsaLabel}`,
        'object=tlsEc': `object=${setting.ecLabel}`,
        'http {\n': `http {\n${paths}`,
      }),
    );
  }

  get pidFile(): string {
    return join(this.setting.folder, 'nginx.pid');
  }

  get errorLog(): string {
    return join(this.setting.folder, 'error.log');
  }

  certificateFile(key: 'RSA' | 'EC'): string {
    return join(this.setting.folder, `tls/${key.toLowerCase()}.crt`);
  }

  async #nginx(before: readonly string[], ...args: string[]): Promise<Finished> {
    const { folder, configurationFile } = this.setting;
    const all = ['-p', folder, '-e', this.errorLog, '-c', this.#configuration, ...args];
    const [program = '', ...rest] = [...before, '/usr/sbin/nginx', ...all];
    return runProgram(program, rest, { env: engineEnvironment(folder, configurationFile) });
  }

  /** `nginx -t`: what it says and its exit status. */
  test(): Promise<Finished> {
    return this.#nginx([], '-t');
  }

  /** Starts it as a daemon, as a service script does. Throws with its own words when it does not start. */
  async start(): Promise<void> {
    const { status, stderr } = await this.#nginx(this.setting.startedBy ?? []);
    if (status !== 0) throw new Error(`nginx did not start (exit ${status}):\n${stderr.trim()}`);
    await waitFor('two nginx workers', async () => ((await this.workers()).length >= 2 ? true : undefined));
  }

  get masterPid(): number {
    return Number(readFileSync(this.pidFile, 'utf8'));
  }

  /** Process ids of the workers that serve, without those that shut down after a reload. */
  async workers(): Promise<number[]> {
    if (!existsSync(this.pidFile)) return [];
    const { stdout } = await runProgram('ps', ['-o', 'pid=,args=', '--ppid', String(this.masterPid)]);
    return [...stdout.matchAll(/^ *(\d+) nginx: worker process *$/gm)].map((match) => Number(match[1]));
  }

  /** Reloads and waits until the old workers are replaced. */
  async reload(): Promise<void> {
    const before = new Set(await this.workers());
    process.kill(this.masterPid, 'SIGHUP');
    await waitFor('new nginx workers after the reload', async () => {
      const now = await this.workers();
      return now.length >= 2 && now.every((pid) => !before.has(pid)) ? true : undefined;
    });
  }

  async stop(): Promise<void> {
    if (!existsSync(this.pidFile)) return;
    process.kill(this.masterPid, 'SIGQUIT');
    await waitFor('the end of nginx', () => (existsSync(this.pidFile) ? undefined : true));
  }
}

/** A self-signed certificate whose signature the HSM makes, by `openssl req` over the same engine. */
export async function selfSign(nginx: Nginx, key: 'RSA' | 'EC', name: string): Promise<void> {
  const { folder, token, rsaLabel, ecLabel, configurationFile } = nginx.setting;
  const uri = `pkcs11:token=${token};object=${key === 'RSA' ? rsaLabel : ecLabel};type=private`;
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '30', '-sha256'];
  const how = ['req', '-new', '-x509', '-engine', 'pkcs11', '-keyform', 'engine', '-key', uri];
  const env = engineEnvironment(folder, configurationFile);
  await mustRun('openssl', [...how, ...subject, '-out', nginx.certificateFile(key)], { env });
}
