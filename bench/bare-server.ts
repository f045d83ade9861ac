// What the mock is measured against: a bare node:https server, no router, no checks. It parses the JSON of the request,
// calls crypto.sign on the bytes and answers JSON. crypto.sign hashes its input first, which the service (and the mock)
// never does; of 32 bytes that is less than a microsecond.
//
// A program of its own. The parent sends the key and a certificate by IPC, and gets the port back.
import { createPrivateKey, sign } from 'node:crypto';
import { createServer } from 'node:https';

export interface BareSetting {
  /** PKCS#8 PEM of the signing key. */
  readonly keyPem: string;
  readonly tls: { readonly key: string; readonly cert: string };
}

process.once('message', ({ keyPem, tls }: BareSetting) => {
  // dsaEncoding is for EC keys: r and s side by side, as the service answers.
  const key = { key: createPrivateKey(keyPem), dsaEncoding: 'ieee-p1363' } as const;
  const server = createServer({ ...tls, minVersion: 'TLSv1.2', noDelay: true }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { alg, value } = JSON.parse(Buffer.concat(chunks).toString()) as { alg: string; value: string };
      const signature = sign('sha256', Buffer.from(value, 'base64url'), key).toString('base64url');
      const body = JSON.stringify({ alg, kid: 'none', value: signature });
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length });
      response.end(body);
    });
  });
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
});

// The parent's end is ours, however it comes.
process.on('disconnect', () => process.exit());
