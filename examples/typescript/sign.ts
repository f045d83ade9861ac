/**
 * Finds a key in the HSM, signs with it and verifies: `node sign.ts <label>`.
 *
 * The configuration is that of the library (MHSM_PKCS11_CONF, else /etc/mhsm-pkcs11.conf); MHSM_CLIENT_ID and
 * MHSM_CLIENT_SECRET name a service principal that may read keys and sign with this one.
 */
import { createVerify } from 'node:crypto';
import process from 'node:process';
import { openManagedHsm, Pkcs11Error } from 'mhsm-pkcs11';

const [label = 'tlsRsa'] = process.argv.slice(2);
const { MHSM_CLIENT_ID: clientId = '', MHSM_CLIENT_SECRET: clientSecret = '' } = process.env;

try {
  const hsm = await openManagedHsm({ credentials: { clientId, clientSecret } });
  try {
    const key = await hsm.findKey({ label });
    const data = Buffer.from('what is signed');
    const signature = await key.sign(data, { encoding: 'der' });

    // Anybody can verify with the public key, without the HSM.
    const valid = createVerify('sha256').update(data).verify(key.publicKey, signature);
    console.log(`${key.type} key ${key.name}: signature of ${signature.length} bytes, valid: ${valid}`);
  } finally {
    await hsm.close();
  }
} catch (error) {
  if (!(error instanceof Pkcs11Error)) throw error;
  // For example CKR_PIN_INCORRECT, with what to do about it.
  console.error(`${error.code}: ${error.message}${error.hint === undefined ? '' : `; ${error.hint}`}`);
  process.exitCode = 1;
}
