import { type ConnectionOptions, connect } from 'node:tls';

/** What a client saw of a server. */
export interface Visit {
  protocol: string | null;
  /** Common name of the server's certificate. */
  subject: string;
  keyType: 'RSA' | 'EC';
  /** Whether the handshake took up a former session, which needs no signature. */
  reused: boolean;
  /** To come back with, as `session`; the last one that the server gave. */
  session: Buffer | undefined;
  /** The OCSP answer that the server stapled. */
  ocsp: Buffer | undefined;
  /** What the server said to the request, head and body; empty when it hung up. */
  answer: string;
}

/**
 * A TLS handshake, then one HTTP request. Rejects when the certificate does not lead to `ca` or is for another
 * `servername`, and with the server's alert when it refuses.
 * @param options those of `tls.connect`; `path` is the one of the request, `timeout` how many ms of silence are borne
 */
export function visit(port: number, { path = '/', timeout = 30_000, ...options }: ConnectionOptions): Promise<Visit> {
  const { servername = '' } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, requestOCSP: true, ...options });
    let [answer, session, ocsp]: [string, Buffer | undefined, Buffer | undefined] = ['', undefined, undefined];
    let seen: Omit<Visit, 'answer' | 'session' | 'ocsp'> | undefined;
    socket.setTimeout(timeout, () => socket.destroy(new Error(`nothing for ${timeout} ms`)));
    socket.on('session', (given) => {
      session = given;
    });
    socket.on('OCSPResponse', (given: Buffer | null) => {
      ocsp = given ?? undefined;
    });
    socket.on('secureConnect', () => {
      const { subject, asn1Curve } = socket.getPeerCertificate();
      seen = {
        protocol: socket.getProtocol(),
        subject: String(subject?.CN),
        keyType: asn1Curve === undefined ? 'RSA' : 'EC',
        reused: socket.isSessionReused(),
      };
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`);
    });
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (seen === undefined) reject(new Error('closed before the handshake was done'));
      else resolve({ ...seen, session, ocsp, answer });
    });
  });
}
