import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { Pkcs11Error } from '../pkcs11/error.ts';
import { functionName, tracing } from './call-line.ts';
import { dispatch, type Pkcs11Calls, type Pkcs11Request } from './dispatch.ts';

/** The line of a call that is answered so. */
async function lineOf(request: Pkcs11Request, answer: () => unknown): Promise<string> {
  const lines: string[] = [];
  const calls = { [request.call]: answer } as unknown as Pkcs11Calls;
  await tracing(dispatch, (line) => lines.push(line.replace(/ in \d+ µs$/, ' in N µs')))(calls, request, () => '');
  expect(lines).toHaveLength(1);
  return lines.join();
}

const request = (call: string, fields: object) => ({ call, fields }) as Pkcs11Request;

describe('a call is one line of function, arguments, CKR code and duration', () => {
  test('a signature', async () => {
    const asked = request('sign', { session: 3, data: new Uint8Array(32), signature: 256 });
    const bytes = new Uint8Array(64);
    expect(await lineOf(asked, () => Promise.resolve({ signature: { length: 64, bytes } }))).toBe(
      'C_Sign session=3 data=32 bytes signature=room for 256: CKR_OK 0x0 signature=64 bytes in N µs',
    );
  });

  test('a search says what it looks for', async () => {
    const template = [
      { type: ck.CKA_CLASS, value: Buffer.from('0300000000000000', 'hex') },
      { type: ck.CKA_LABEL, value: Buffer.from('tls\nRsa') },
      { type: ck.CKA_ID, value: Buffer.from('0a0b', 'hex') },
      { type: ck.CKA_MODULUS, value: new Uint8Array(256) },
      { type: ck.CKA_TOKEN, value: null },
    ];
    expect(await lineOf(request('findObjectsInit', { session: 1, template }), () => ({}))).toBe(
      'C_FindObjectsInit session=1 template=[CKA_CLASS 0x0=CKO_PRIVATE_KEY 0x3, CKA_LABEL 0x3="tls\\nRsa", ' +
        'CKA_ID 0x102=0a0b, CKA_MODULUS 0x120=256 bytes, CKA_TOKEN 0x1=NULL]: CKR_OK 0x0 in N µs',
    );
  });

  test('attributes are named with the room for them and the length of each', async () => {
    const queries = [
      { type: ck.CKA_LABEL, capacity: null },
      { type: ck.CKA_VALUE, capacity: 10 },
    ];
    const results = [
      { length: 6, bytes: null },
      { length: ck.CK_UNAVAILABLE_INFORMATION, bytes: null },
    ];
    const answer = () => ({ rv: ck.CKR_ATTRIBUTE_SENSITIVE, results });
    expect(await lineOf(request('getAttributeValue', { session: 1, object: 9, queries }), answer)).toBe(
      'C_GetAttributeValue session=1 object=9 queries=[CKA_LABEL 0x3 how long?, CKA_VALUE 0x11 room for 10]: ' +
        'CKR_ATTRIBUTE_SENSITIVE 0x11 results=[6 bytes, unavailable] in N µs',
    );
  });

  test('a refusal, by its name', async () => {
    const mechanism = { type: ck.CKM_RSA_PKCS_PSS, parameter: new Uint8Array(24) };
    const answer = () => {
      throw new Pkcs11Error(ck.CKR_KEY_HANDLE_INVALID, 'no key 7');
    };
    expect(await lineOf(request('signInit', { session: 1, mechanism, key: 7 }), answer)).toBe(
      'C_SignInit session=1 mechanism=CKM_RSA_PKCS_PSS 0xd with 24 bytes key=7: CKR_KEY_HANDLE_INVALID 0x60 in N µs',
    );
  });

  test('a login that is said again on a new connection is told from C_Login', () => {
    expect(functionName('resumeLogin')).toBe('resumeLogin');
    expect(functionName('login')).toBe('C_Login');
  });
});

test('neither a PIN nor data is in a line, whatever they are', async () => {
  const secret = fc.uint8Array({ minLength: 8, maxLength: 64 });
  await fc.assert(
    fc.asyncProperty(secret, async (bytes) => {
      const lines = [
        await lineOf(request('login', { session: 1, userType: 1, pin: bytes }), () => ({})),
        await lineOf(request('resumeLogin', { slot: 1, userType: 1, pin: bytes }), () => ({})),
        await lineOf(request('sign', { session: 1, data: bytes, signature: null }), () => ({
          signature: { length: 64, bytes },
        })),
        await lineOf(request('decrypt', { session: 1, encrypted: bytes, data: 99 }), () => ({
          data: { length: bytes.length, bytes },
        })),
        await lineOf(request('generateRandom', { session: 1, length: 8 }), () => ({ bytes })),
      ].join('\n');
      const buffer = Buffer.from(bytes);
      for (const encoding of ['latin1', 'utf8', 'hex', 'base64'] as const) {
        expect(lines).not.toContain(buffer.toString(encoding));
      }
      expect(lines).not.toContain(bytes.join());
    }),
  );
});
