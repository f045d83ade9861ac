import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openStore, type Store } from '../store/store.ts';
import { type Certificate, makeAuthority } from './certificate-authority.ts';
import { ServerCertificates } from './server-certificates.ts';

let folder: string;
let store: Store;
let authority: Certificate;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mock-hsm-'));
  store = openStore(folder);
  authority = await makeAuthority(new Date());
});

afterEach(() => {
  vi.useRealTimers();
  store.records.close();
  rmSync(folder, { recursive: true });
});

const firstFor = (...names: string[]) => new ServerCertificates(authority, names, store).first();

test('a restart shows the certificate of the start before', async () => {
  expect((await firstFor('localhost')).certPem).toBe((await firstFor('localhost')).certPem);
});

test('other names, and a certificate that is about to end, make a new one, which is kept in its turn', async () => {
  const before = await firstFor('localhost');
  const named = await firstFor('localhost', '*.hsm.test');
  expect(named.certPem).not.toBe(before.certPem);
  expect(new X509Certificate(named.certPem).subjectAltName).toContain('*.hsm.test');
  vi.useFakeTimers({ now: Date.now() + 397 * 86_400_000, toFake: ['Date'] });
  const renewed = await firstFor('localhost', '*.hsm.test');
  expect(renewed.certPem).not.toBe(named.certPem);
  expect((await firstFor('localhost', '*.hsm.test')).certPem).toBe(renewed.certPem);
});
