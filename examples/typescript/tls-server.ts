/**
 * An HTTPS server of Node whose private key stays in the HSM: `node tls-server.ts <label> <certificate.pem>`.
 *
 * Node hands the key over to OpenSSL's pkcs11 engine (Debian: libengine-pkcs11-openssl), and the engine to the module.
 * PKCS11_MODULE_PATH names libmhsm-pkcs11.so. The configuration has a `credential` for the slot, so that nobody asks for
 * a PIN. Each full handshake holds the event loop until the HSM has signed: a worker for each of them is what nginx is for.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import process from 'node:process';

const [label = 'tlsRsa', certificate = 'server.pem'] = process.argv.slice(2);

const server = createServer(
  {
    cert: readFileSync(certificate),
    privateKeyEngine: '/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so',
    privateKeyIdentifier: `pkcs11:object=${label};type=private`,
  },
  (_request, response) => response.end('signed in the HSM\n'),
);
server.listen(Number(process.env.PORT ?? 8443), () => console.log(`serves ${JSON.stringify(server.address())}`));
