/**
 * A JSON Web Token signed in the HSM: `node jwt.ts <label>`. Libraries such as jose want the private key itself; a JWT is
 * little enough to put together by hand. Prints the token and the JWK that verifies it.
 */
import process from 'node:process';
import { openManagedHsm, type SigningAlgorithm } from 'mhsm-pkcs11';

const [label = 'tlsEc'] = process.argv.slice(2);
const { MHSM_CLIENT_ID: clientId = '', MHSM_CLIENT_SECRET: clientSecret = '' } = process.env;

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

const hsm = await openManagedHsm({ credentials: { clientId, clientSecret } });
try {
  const key = await hsm.findKey({ label });
  const algorithms: Record<string, SigningAlgorithm> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512' };
  const algorithm = algorithms[key.curve ?? ''] ?? 'PS256';

  const header = { alg: algorithm, typ: 'JWT', kid: key.keyId };
  const claims = { sub: 'somebody', iat: Math.floor(Date.now() / 1000) };
  const signed = `${base64url(header)}.${base64url(claims)}`;
  const signature = await key.sign(Buffer.from(signed), { algorithm });
  console.log(JSON.stringify({ token: `${signed}.${signature.toString('base64url')}`, jwk: key.publicKeyJwk }));
} finally {
  await hsm.close();
}
