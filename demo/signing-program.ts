/**
 * A process that keeps the module loaded and signs when it is told to: a line with a number on standard input is answered by
 * a line of JSON: how many signatures came, and the codes of those that did not. The PIN is in the environment (PIN).
 */
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type * as Pkcs11js from 'pkcs11js';

const pkcs11js = createRequire(import.meta.url)('pkcs11js') as typeof Pkcs11js;
const [, , file = '', label = ''] = process.argv;

const module = new pkcs11js.PKCS11();
module.load(file);
module.C_Initialize();

function findKey(session: Buffer): Buffer {
  module.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_LABEL, value: label },
  ]);
  const key = module.C_FindObjects(session);
  module.C_FindObjectsFinal(session);
  if (key === null) throw new Error(`no key ${label}`);
  return key;
}

const [slot] = module.C_GetSlotList(true);
if (slot === undefined) throw new Error('no slot');
const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION);
module.C_Login(session, pkcs11js.CKU_USER, process.env.PIN);
const key = findKey(session);

function sign(): string | undefined {
  try {
    module.C_SignInit(session, { mechanism: pkcs11js.CKM_ECDSA }, key);
    module.C_Sign(session, Buffer.alloc(32, 1), Buffer.alloc(64));
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const outcomes = Array.from({ length: Number(line) }, sign);
  const failures = outcomes.filter((outcome) => outcome !== undefined);
  process.stdout.write(`${JSON.stringify({ made: outcomes.length - failures.length, failures })}\n`);
}
module.C_Finalize();
