import { runProgram } from './process.ts';

/** One way to shake hands that makes the server use one kind of signature. */
export interface HandshakeKind {
  key: 'RSA' | 'EC';
  /** The service's name of the signature that the HSM must make. */
  algorithm: 'PS256' | 'RS256' | 'ES256';
  protocol: 'TLSv1.2' | 'TLSv1.3';
  /** What s_client calls the signature type. */
  signatureType: string;
  clientArguments: readonly string[];
}

const TLS12_RSA = ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'];
const TLS12_EC = ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'];

export const HANDSHAKE_KINDS: readonly HandshakeKind[] = [
  {
    key: 'RSA',
    algorithm: 'RS256',
    protocol: 'TLSv1.2',
    signatureType: 'RSA',
    clientArguments: [...TLS12_RSA, '-sigalgs', 'RSA+SHA256'],
  },
  {
    key: 'RSA',
    algorithm: 'PS256',
    protocol: 'TLSv1.2',
    signatureType: 'RSA-PSS',
    clientArguments: [...TLS12_RSA, '-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256'],
  },
  {
    key: 'RSA',
    algorithm: 'PS256',
    protocol: 'TLSv1.3',
    signatureType: 'RSA-PSS',
    clientArguments: ['-tls1_3', '-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256'],
  },
  {
    key: 'EC',
    algorithm: 'ES256',
    protocol: 'TLSv1.2',
    signatureType: 'ECDSA',
    clientArguments: [...TLS12_EC, '-sigalgs', 'ECDSA+SHA256'],
  },
  {
    key: 'EC',
    algorithm: 'ES256',
    protocol: 'TLSv1.3',
    signatureType: 'ECDSA',
    clientArguments: ['-tls1_3', '-sigalgs', 'ECDSA+SHA256'],
  },
];

export interface Handshake {
  protocol: string;
  cipher: string;
  signatureType: string;
  /** Wall time of the whole s_client run, its start included. */
  milliseconds: number;
}

function field(output: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, 'm').exec(output)?.[1]?.trim() ?? '';
}

/**
 * A full handshake by openssl s_client that trusts `certificateFile` alone. Throws with its words when it fails.
 * @param serverName what it asks for (SNI) and what the certificate must be for; any when left out
 */
export async function shakeHands(
  port: number,
  kind: HandshakeKind,
  certificateFile: string,
  serverName?: string,
): Promise<Handshake> {
  const started = performance.now();
  const { stderr, status } = await runProgram(
    'openssl',
    [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-brief',
      '-verify_return_error',
      '-CAfile',
      certificateFile,
      ...kind.clientArguments,
      ...(serverName === undefined ? [] : ['-servername', serverName, '-verify_hostname', serverName]),
    ],
    { timeoutMs: 30_000, env: { PATH: process.env.PATH } },
  );
  const milliseconds = performance.now() - started;
  const handshake = {
    protocol: field(stderr, 'Protocol version'),
    cipher: field(stderr, 'Ciphersuite'),
    signatureType: field(stderr, 'Signature type'),
    milliseconds,
  };
  const good =
    status === 0 &&
    field(stderr, 'Verification') === 'OK' &&
    handshake.protocol === kind.protocol &&
    handshake.signatureType === kind.signatureType;
  if (!good) throw new Error(`handshake ${kind.protocol} ${kind.key} failed: ${stderr.trim().replaceAll('\n', ' | ')}`);
  return handshake;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
