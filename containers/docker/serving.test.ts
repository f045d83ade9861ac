import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ContainerSite, type Service } from './site.ts';
import { type Kind, shakeHands } from './tls-handshake.ts';

const EC = 'ECDSA+SHA256';
const PSS = 'rsa_pss_rsae_sha256';

const KINDS: readonly (Kind & { readonly key: string; readonly algorithm: string })[] = [
  { protocol: 'TLSv1.2', sigalgs: 'RSA+SHA256', key: 'tls-rsa', algorithm: 'RS256' },
  { protocol: 'TLSv1.2', sigalgs: EC, key: 'tls-ec', algorithm: 'ES256' },
  { protocol: 'TLSv1.3', sigalgs: PSS, key: 'tls-rsa', algorithm: 'PS256' },
  { protocol: 'TLSv1.3', sigalgs: EC, key: 'tls-ec', algorithm: 'ES256' },
];

const EC_KIND: Kind = { protocol: 'TLSv1.3', sigalgs: EC };

/** Of each process in the container: its command line, and the lines of its status. */
const PROCESSES = `for process in /proc/[0-9]*; do
  printf '%s;' "$(tr '\\0' ' ' <"$process/cmdline")"; grep -E '^(Uid|CapEff|NoNewPrivs):' "$process/status" | tr '\\t\\n' ' ;'; echo
done`;

interface Process {
  readonly command: string;
  readonly uids: readonly string[];
  readonly capabilities: string;
  readonly noNewPrivileges: string;
}

let site: ContainerSite;

beforeAll(async () => {
  site = await ContainerSite.start();
});
afterAll(async () => {
  await site?.stop();
});

async function processes(service: Service): Promise<Process[]> {
  const { output } = await site.run(service, 'sh', '-c', PROCESSES);
  return output
    .split('\n')
    .filter((line) => line.includes('Uid:'))
    .map((line) => ({
      command: line.split(';', 1)[0] ?? '',
      uids: (/Uid: ([\d ]+);/.exec(line)?.[1] ?? '').trim().split(' '),
      capabilities: /CapEff: (\w+)/.exec(line)?.[1] ?? '',
      noNewPrivileges: /NoNewPrivs: (\d)/.exec(line)?.[1] ?? '',
    }));
}

async function processWith(service: Service, text: string): Promise<Process> {
  const found = (await processes(service)).find(({ command }) => command.includes(text));
  if (found === undefined) throw new Error(`${service} has no process with ${text}`);
  return found;
}

const certificateOf = (key: string) => site.read('nginx', `/run/tls/${key}.crt`);

/** How many signatures the mock has made with this key and algorithm. */
async function signatures(key: string, algorithm: string): Promise<number> {
  const ca = '/var/lib/mock-hsm/ca.pem';
  const ask = `fetch('https://localhost:8443/mock/metrics').then((answer) => answer.text()).then(console.log)`;
  const { output } = await site.run('mock-hsm', 'env', `NODE_EXTRA_CA_CERTS=${ca}`, 'node', '-e', ask);
  const lines = output
    .split('\n')
    .filter((line) => line.startsWith('mock_hsm_signs_total{'))
    .filter((line) => line.includes(`key="${key}"`) && line.includes(`algorithm="${algorithm}"`));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('nginx of docker-compose.yml', () => {
  test.each(KINDS)('shakes hands by $protocol, signed with $key as $algorithm in the HSM', async (kind) => {
    const certificate = await certificateOf(kind.key);
    const before = await signatures(kind.key, kind.algorithm);
    const handshake = await shakeHands(site.address('nginx'), kind, certificate);
    expect(handshake.protocol).toBe(kind.protocol);
    expect(handshake.fingerprint).toBe(new X509Certificate(certificate).fingerprint256);
    expect(handshake.answer).toContain('signed in the HSM');
    expect(await signatures(kind.key, kind.algorithm)).toBeGreaterThan(before);
  });

  test('is refused by a client that trusts another certificate', async () => {
    const other = await certificateOf('tls-rsa');
    await expect(shakeHands(site.address('nginx'), EC_KIND, other)).rejects.toThrow(/self-signed/);
  });

  test('has an agent that is not root, nor the workers’ user, and has no capability', async () => {
    const agent = await processWith('nginx', 'dist/agent.cjs');
    const worker = await processWith('nginx', 'nginx: worker');
    expect(agent.uids).toEqual(['991', '991', '991', '991']);
    expect(worker.uids).not.toContain('0');
    expect(worker.uids).not.toContain('991');
    expect([agent.capabilities, worker.capabilities]).toEqual(['0000000000000000', '0000000000000000']);
    expect(agent.noNewPrivileges).toBe('1');
  });

  test('can tell how its agent is, and what it can do', async () => {
    const { status, output } = await site.run('nginx', 'mhsm-p11', 'status', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ running: true });
    expect(await site.run('nginx', 'mhsm-p11', 'check')).toMatchObject({ status: 0 });
    expect(await site.run('nginx', 'nginx', '-t')).toMatchObject({ status: 0 });
  });

  test.each<Service>(['nginx', 'mock-hsm'])('has, as mock-hsm, programs that it cannot change: %s', async (service) => {
    const { status, output } = await site.run(service, 'touch', '/opt/mhsm-pkcs11/here');
    expect(status).not.toBe(0);
    expect(output).toMatch(/Read-only file system/);
  });

  test.each(['www-data', 'mhsm-pkcs11'])('keeps its credential from %s', async (user) => {
    const as = ['setpriv', '--reuid', user, '--regid', user, '--clear-groups'];
    expect(await site.run('nginx', ...as, 'true')).toMatchObject({ status: 0 });
    const { output } = await site.run('nginx', ...as, 'cat', '/run/tls-offload/client.pem');
    expect(output).toMatch(/Permission denied/);
  });
});

test('mock-hsm runs without root and without capabilities', async () => {
  const mock = await processWith('mock-hsm', 'mock-hsm/bin.ts');
  expect(mock.uids).toEqual(['990', '990', '990', '990']);
  expect(mock.capabilities).toBe('0000000000000000');
});

test('nginx goes on serving after mock-hsm was restarted, by itself', async () => {
  const certificate = await certificateOf('tls-ec');
  await site.restart('mock-hsm');
  const { answer } = await shakeHands(site.address('nginx'), EC_KIND, certificate);
  expect(answer).toContain('signed in the HSM');
  // A container that was started anew would have made another one.
  expect(await certificateOf('tls-ec')).toBe(certificate);
});
