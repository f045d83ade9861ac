import { connect, type SecureVersion } from 'node:tls';

export interface Handshake {
  readonly protocol: string | null;
  readonly cipher: string;
  /** SHA-256 of the certificate that the server showed. */
  readonly fingerprint: string;
  /** What an HTTP request was answered. */
  readonly answer: string;
}

export interface Server {
  readonly host: string;
  readonly port: number;
}

/** The kind of signature that the client wants, which chooses among the server's certificates. */
export interface Kind {
  readonly protocol: SecureVersion;
  readonly sigalgs: string;
}

/**
 * A full handshake with a server that must have the certificate `ca` for the name localhost, and a request on it. Rejects
 * with Node's word for what is wrong.
 */
export function shakeHands({ host, port }: Server, { protocol, sigalgs }: Kind, ca: string): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const options = { host, port, ca, sigalgs, servername: 'localhost', minVersion: protocol, maxVersion: protocol };
    const socket = connect(options, () => {
      const { fingerprint256 } = socket.getPeerCertificate();
      const { name } = socket.getCipher();
      const seen = { protocol: socket.getProtocol(), cipher: name, fingerprint: fingerprint256 };
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk.toString('latin1');
      });
      socket.on('end', () => resolve({ ...seen, answer }));
      socket.write('GET / HTTP/1.0\r\nHost: localhost\r\n\r\n');
    });
    socket.on('error', reject);
  });
}
