import { mkdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../demo/nginx.ts';
import { BUILT_MODULE, MODULE } from '../../demo/tested-module.ts';

import { Workbench } from '../../demo/workbench.ts';

const KEYS = ['tlsRsa', 'tlsEc'] as const;

let bench: Workbench;
let port: number;

const file = (name: string): string => bench.file(name);
const askpass = (): NodeJS.ProcessEnv => ({
  SSH_ASKPASS: bench.example('ssh/askpass.sh'),
  SSH_ASKPASS_REQUIRE: 'force',
});

/** With a PIN given, or, where the token has a credential of its own, without. */
const ssh = (args: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> =>
  bench.run('ssh', ['-F', file('ssh_config'), ...args, 'hsm.example.com', 'echo logged in'], environment);

/** The lines of `ssh-keygen -D`, by label. */
async function publicKeys(environment: NodeJS.ProcessEnv): Promise<Map<string, string>> {
  const lines = (await bench.run('ssh-keygen', ['-D', MODULE], environment)).trim().split('\n');
  return new Map(lines.map((line) => [line.split(' ')[2] ?? '', line]));
}

/** Offers the server one key alone. */
function only(label: string, line: string): string[] {
  return ['-o', 'IdentitiesOnly=yes', '-i', bench.write(`${label}.pub`, `${line}\n`)];
}

function withCredential(): void {
  const { clientId, clientSecret } = bench.offload.mock.keyGeneration;
  bench.offload.writeConfiguration({ token: { credential: { clientId, clientSecret } } });
}

/** A server for the user of this process, whose log is a file. */
async function startServer(): Promise<void> {
  await bench.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file('host')]);
  bench.write('authorized_keys', '');
  bench.write('user_ca.pub', '');
  const configuration = bench.fillIn('ssh/sshd_config', {
    '.ssh/authorized_keys': file('authorized_keys'),
    '/etc/ssh/user_ca.pub': file('user_ca.pub'),
  });
  port = await freePort();
  const here = [`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${file('host')}`, `PidFile ${file('sshd.pid')}`];
  bench.write(
    'sshd_config',
    [readFileSync(configuration, 'utf8'), ...here, 'StrictModes no', 'UsePAM no\n'].join('\n'),
  );
  // Where sshd goes to live without rights; Debian's service makes it.
  mkdirSync('/run/sshd', { recursive: true });
  await bench.run('/usr/sbin/sshd', ['-f', configuration, '-E', file('sshd.log')]);
  const [type, key] = bench.read('host.pub').split(' ');
  bench.write('known_hosts', `[127.0.0.1]:${port} ${type} ${key}\n`);
}

beforeAll(async () => {
  bench = await Workbench.start('ssh');
  await bench.offload.createKey('--RSA', '2K', '--label', 'tlsRsa');
  await bench.offload.createKey('--EC', 'P-256', '--label', 'tlsEc');
  await startServer();
  const configuration = bench.fillIn('ssh/ssh_config', { '/usr/lib/libmhsm-pkcs11.so': MODULE });
  const here = ['HostName 127.0.0.1', `Port ${port}`, `User ${userInfo().username}`];
  const host = [...here, `UserKnownHostsFile ${file('known_hosts')}`].map((line) => `  ${line}\n`).join('');
  bench.write('ssh_config', readFileSync(configuration, 'utf8') + host);
  bench.write('authorized_keys', [...(await publicKeys(askpass())).values(), ''].join('\n'));
});

afterAll(async () => {
  process.kill(Number(bench.read('sshd.pid')));
  await bench.stop();
});

describe('ssh-keygen', () => {
  test('-D lists RSA and EC keys with their labels, by PIN', async () => {
    expect([...(await publicKeys(askpass())).keys()].sort()).toEqual(['tlsEc', 'tlsRsa']);
  });

  test('-D needs no PIN where the token has a credential of its own', async () => {
    withCredential();
    expect([...(await publicKeys({})).keys()].sort()).toEqual(['tlsEc', 'tlsRsa']);
    bench.offload.writeConfiguration();
  });
});

describe('ssh', () => {
  test.each(KEYS)('logs in with %s, by PIN', async (label) => {
    const line = (await publicKeys(askpass())).get(label) ?? '';
    expect(await ssh(only(label, line), askpass())).toBe('logged in\n');
  });

  test('-I names the module as PKCS11Provider does', async () => {
    const here = ['-o', 'PKCS11Provider=none', '-I', MODULE];
    expect(await ssh(here, askpass())).toBe('logged in\n');
  });

  test.each(KEYS)('logs in with %s without a PIN where the token has a credential of its own', async (label) => {
    withCredential();
    const line = (await publicKeys({})).get(label) ?? '';
    expect(await ssh(only(label, line), {})).toBe('logged in\n');
    bench.offload.writeConfiguration();
  });

  test.each(KEYS)('logs in with a certificate that %s signed', async (label) => {
    const authority = (await publicKeys(askpass())).get(label) ?? '';
    bench.write('user_ca.pub', `${authority}\n`);
    bench.write('authority.pub', `${authority}\n`);
    await bench.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(`${label}-user`)]);
    const how = ['-s', file('authority.pub'), '-D', MODULE, '-I', 'user', '-n', userInfo().username];
    await bench.run('ssh-keygen', [...how, file(`${label}-user.pub`)], askpass());
    const key = ['-o', 'PKCS11Provider=none', '-i', file(`${label}-user`)];
    expect(await ssh(key, {})).toBe('logged in\n');
  });
});

describe('ssh-agent', () => {
  /** Gives its environment and process id. */
  async function startAgent(socket: string): Promise<[NodeJS.ProcessEnv, number]> {
    const variables = await bench.run('ssh-agent', ['-s', '-P', '/*', '-a', file(socket)]);
    return [{ ...askpass(), SSH_AUTH_SOCK: file(socket) }, Number(/SSH_AGENT_PID=(\d+)/.exec(variables)?.[1])];
  }

  test('signs with the keys that ssh-add -s gave it, until ssh-add -e', async () => {
    const [environment, pid] = await startAgent('agent.sock');
    try {
      await bench.run('ssh-add', ['-s', BUILT_MODULE], environment);
      expect(await bench.run('ssh-add', ['-l'], environment)).toMatch(/(tlsRsa \(RSA\)|tlsEc \(ECDSA\))/);
      for (const label of KEYS) {
        const line = (await publicKeys(askpass())).get(label) ?? '';
        const byAgent = ['-o', 'PKCS11Provider=none', ...only(label, line)];
        expect(await ssh(byAgent, environment)).toBe('logged in\n');
      }
      await bench.run('ssh-add', ['-e', BUILT_MODULE], environment);
      expect((await bench.attempt('ssh-add', ['-l'], environment)).stdout).toBe('The agent has no identities.\n');
    } finally {
      process.kill(pid);
    }
  });

  test('gives up altogether on a token with a P-256K key, whose curve SSH does not know', async () => {
    await bench.offload.createKey('--EC', 'P-256K', '--label', 'koblitz');
    // Another configuration than before: its agent has not read the key list yet.
    bench.offload.writeConfiguration({ top: { cache: { keyListSeconds: 1 } } });
    const [environment] = await startAgent('doomed.sock');
    const { stderr } = await bench.attempt('ssh-add', ['-s', BUILT_MODULE], environment);
    expect(stderr).toContain('communication with agent failed');
  });
});
