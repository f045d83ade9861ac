import forge from 'node-forge';
import { describe, expect, test } from 'vitest';
import * as ck from '../pkcs11/constants.ts';
import { EMPTY, FALSE, ofDate, ofText, ofUlong, TRUE } from '../tags/values.ts';
import { concat, der, derBitString, derInteger, TAG } from './der.ts';
import { MemoryHsm } from './memory-hsm.ts';
import { publicKeyInfo } from './public-key.ts';
import { attribute, Client, classIs, codeOf, labelIs, PIN, setUp } from './test-client.ts';

const CERTIFICATE = classIs(ck.CKO_CERTIFICATE);
const bytesOf = (binary: string) => Uint8Array.from(Buffer.from(binary, 'latin1'));

/** A certificate by an independent builder, for a key that only it has. */
function forgeCertificate(): { der: Uint8Array; subject: Uint8Array } {
  const certificate = forge.pki.createCertificate();
  const pair = forge.pki.rsa.generateKeyPair(1024);
  certificate.publicKey = pair.publicKey;
  certificate.serialNumber = '00c0ffee';
  certificate.validity.notBefore = new Date('2026-01-02T00:00:00Z');
  certificate.validity.notAfter = new Date('2056-03-04T00:00:00Z');
  certificate.setSubject([{ name: 'commonName', value: 'example.test' }]);
  certificate.setIssuer([{ name: 'commonName', value: 'issuer.test' }]);
  certificate.sign(pair.privateKey, forge.md.sha256.create());
  const { asn1, pki } = forge;
  return {
    der: bytesOf(asn1.toDer(pki.certificateToAsn1(certificate)).getBytes()),
    subject: bytesOf(asn1.toDer(pki.distinguishedNameToAsn1(certificate.subject)).getBytes()),
  };
}

/** The least that is a certificate, for a public key of the HSM. Its signature is nothing. */
function certificateFor(info: Uint8Array): Uint8Array {
  const empty = der(TAG.sequence);
  const version = der(TAG.explicit0, derInteger(Uint8Array.of(2)));
  const tbs = der(TAG.sequence, version, derInteger(Uint8Array.of(5)), empty, empty, empty, empty, info);
  return der(TAG.sequence, tbs, empty, derBitString(EMPTY));
}

const described = (id: string, label: string) => ({
  p11_pri_CKA_KEY_TYPE: 'EC',
  p11_pri_CKA_ID: id,
  p11_pri_CKA_LABEL: label,
});

function infoOf(hsm: MemoryHsm, name: string): Uint8Array {
  const { publicKey } = hsm.version(name);
  return publicKey === undefined ? EMPTY : publicKeyInfo(publicKey);
}

describe('certificates', () => {
  test('have every attribute of the tables of sections 4.4 and 4.6', async () => {
    const client = await Client.open(setUp(new MemoryHsm(), { certificates: [forgeCertificate()] }).library);
    const handle = await client.findOne(CERTIFICATE);
    const storage = [ck.CKA_CLASS, ck.CKA_TOKEN, ck.CKA_PRIVATE, ck.CKA_MODIFIABLE, ck.CKA_LABEL, ck.CKA_COPYABLE];
    const common = [ck.CKA_DESTROYABLE, ck.CKA_CERTIFICATE_TYPE, ck.CKA_TRUSTED, ck.CKA_CERTIFICATE_CATEGORY].concat([
      ck.CKA_CHECK_VALUE,
      ck.CKA_START_DATE,
      ck.CKA_END_DATE,
      ck.CKA_PUBLIC_KEY_INFO,
    ]);
    const x509 = [ck.CKA_SUBJECT, ck.CKA_ID, ck.CKA_ISSUER, ck.CKA_SERIAL_NUMBER, ck.CKA_VALUE, ck.CKA_URL]
      .concat([ck.CKA_HASH_OF_SUBJECT_PUBLIC_KEY, ck.CKA_HASH_OF_ISSUER_PUBLIC_KEY])
      .concat([ck.CKA_JAVA_MIDP_SECURITY_DOMAIN, ck.CKA_NAME_HASH_ALGORITHM]);
    const queries = [...storage, ...common, ...x509].map((type) => ({ type, capacity: null }));
    const { rv } = await client.application.getAttributeValue({ session: 1, object: handle, queries });
    expect(rv).toBe(ck.CKR_OK);
  });

  test('appear as objects with what X.509 says', async () => {
    const source = forgeCertificate();
    const client = await Client.open(setUp(new MemoryHsm(), { certificates: [source] }).library);
    const handle = await client.findOne(CERTIFICATE, attribute(ck.CKA_CERTIFICATE_TYPE, ofUlong(ck.CKC_X_509)));
    const expected: [number, Uint8Array][] = [
      [ck.CKA_VALUE, source.der],
      [ck.CKA_SUBJECT, source.subject],
      [ck.CKA_SERIAL_NUMBER, Uint8Array.from(Buffer.from('020400c0ffee', 'hex'))],
      [ck.CKA_START_DATE, ofDate('20260102')],
      [ck.CKA_END_DATE, ofDate('20560304')],
      [ck.CKA_TOKEN, TRUE],
      [ck.CKA_PRIVATE, FALSE],
      [ck.CKA_TRUSTED, FALSE],
    ];
    for (const [type, value] of expected) expect(await client.get(handle, type)).toEqual(value);
    expect(await client.get(handle, ck.CKA_ID)).toHaveLength(20);
    expect(await client.get(handle, ck.CKA_MODULUS)).toBeUndefined();
  });

  test('have the id and label of the key they belong to, which is read once', async () => {
    const hsm = new MemoryHsm();
    hsm.addKey({ name: 'a', tags: described('0a', 'other') });
    hsm.addKey({ name: 'b', tags: described('0b', 'web') });
    const der = certificateFor(infoOf(hsm, 'b'));
    const client = await Client.open(setUp(hsm, { certificates: [{ der }] }).library);
    const handle = await client.findOne(CERTIFICATE, attribute(ck.CKA_ID, Uint8Array.of(0x0b)));
    expect(await client.getText(handle, ck.CKA_LABEL)).toBe('web');
    expect(await client.find(labelIs('web'), attribute(ck.CKA_ID, Uint8Array.of(0x0b)))).toHaveLength(3);
    expect(hsm.count('getKey')).toBe(2);
  });

  test('whose key the configuration names cost the reading of that key alone', async () => {
    const hsm = new MemoryHsm();
    for (const name of ['a', 'b', 'c']) hsm.addKey({ name, tags: described('01', `label-${name}`) });
    const der = certificateFor(infoOf(hsm, 'b'));
    for (const key of ['b', 'label-b']) {
      hsm.requests.length = 0;
      const client = await Client.open(setUp(hsm, { certificates: [{ der, key }] }).library);
      const handle = await client.findOne(CERTIFICATE);
      expect(await client.getText(handle, ck.CKA_LABEL)).toBe('label-b');
      expect(hsm.requests.filter((it) => it.startsWith('getKey'))).toEqual(['getKey b']);
    }
  });

  test('keep their handle and key in the next process, which has listed nothing yet', async () => {
    const hsm = new MemoryHsm({ own: true });
    hsm.addKey({ name: 'a', tags: described('0a', 'web') });
    const certificates = [{ der: certificateFor(infoOf(hsm, 'a')) }];
    const first = await Client.open(setUp(hsm, { certificates }).library, { login: false });
    const handle = await first.findOne(CERTIFICATE);
    const next = await Client.open(setUp(hsm, { certificates }).library, { login: false });
    expect(await next.get(handle, ck.CKA_ID)).toEqual(Uint8Array.of(0x0a));
  });

  test('cost nothing while nobody asks for their id or label', async () => {
    const hsm = new MemoryHsm();
    hsm.addKey({ name: 'a', tags: described('0a', 'web') });
    const der = certificateFor(infoOf(hsm, 'a'));
    const client = await Client.open(setUp(hsm, { certificates: [{ der }] }).library);
    await client.get(await client.findOne(CERTIFICATE), ck.CKA_VALUE);
    expect(hsm.count('getKey')).toBe(0);
  });

  test('are the configuration’s: nobody changes, deletes or signs with them', async () => {
    const source = forgeCertificate();
    const client = await Client.open(
      setUp(new MemoryHsm(), { certificates: [source] }, { allowDestroy: true }).library,
    );
    const handle = await client.findOne(CERTIFICATE);
    expect(await codeOf(() => client.set(handle, labelIs('x')))).toBe(ck.CKR_ACTION_PROHIBITED);
    expect(await codeOf(() => client.application.destroyObject({ session: 1, object: handle }))).toBe(
      ck.CKR_ACTION_PROHIBITED,
    );
    expect(await codeOf(() => client.sign(handle, ck.CKM_ECDSA, EMPTY))).toBe(ck.CKR_KEY_HANDLE_INVALID);
  });

  test('are seen without login only where nothing needs one', async () => {
    const certificates = [forgeCertificate()];
    const closed = await Client.open(setUp(new MemoryHsm(), { certificates }).library, { login: false });
    expect(await closed.find()).toEqual([]);
    await closed.application.login({ session: 1, userType: ck.CKU_USER, pin: PIN });
    expect(await closed.find()).toHaveLength(1);
    const open = await Client.open(setUp(new MemoryHsm({ own: true }), { certificates }).library, { login: false });
    expect(await open.find(CERTIFICATE)).toHaveLength(1);
  });

  test('that are none are left out with a line', () => {
    const whole = forgeCertificate().der;
    const certificates = [ofText('PEM?'), whole.subarray(1), concat(whole, EMPTY, Uint8Array.of(0)), EMPTY].map(
      (der) => ({ der }),
    );
    expect(setUp(new MemoryHsm(), { certificates }).warnings).toEqual(
      [1, 2, 3, 4].map((i) => `certificate ${i} of slot 7 is left out, it is not DER of an X.509 certificate`),
    );
  });
});
