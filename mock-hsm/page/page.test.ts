// @module-tag mock-routes
// The page in a real browser, headless, against a mock of its own.
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PoolConnection, role } from '../contract/pool-connection.ts';

const hostile = '<img src=x onerror="document.title=\'taken over\'">';

let pool: PoolConnection;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the browser complained about, and what it asked others for. */
let complaints: string[];

const body = { alg: 'ES256', value: Buffer.alloc(32).toString('base64url') };
const sign = () => pool.call('POST', '/keys/web/sign', { body });

beforeAll(async () => {
  const executablePath = '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error('chromium is missing: run scripts/set-up-clients');
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  pool = await PoolConnection.open();
  await pool.assign(role.cryptoUser, '/keys');
  await pool.asAdmin('PUT', `/providers/Microsoft.Authorization/roleDefinitions/${crypto.randomUUID()}`, {
    properties: { roleName: hostile, permissions: [] },
  });
  const tags = { p11_pri_CKA_LABEL: hostile, p11_pri_id: '0xCAFE', P11_PUB_verify: 'perhaps', [hostile]: hostile };
  await pool.call('POST', '/keys/web/create', { body: { kty: 'EC-HSM', tags } });
  await pool.call('POST', '/keys/gone/create', { body: { kty: 'RSA-HSM' } });
  await pool.call('DELETE', '/keys/gone');
});

afterAll(async () => {
  await browser?.close();
  await pool?.close();
});

beforeEach(async () => {
  context = await browser.newContext({ ignoreHTTPSErrors: true });
  page = await context.newPage();
  complaints = [];
  page.on('console', (message) => {
    if (message.type() !== 'log') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== pool.hsm.url) complaints.push(`asked for ${request.url()}`);
  });
});

afterEach(async () => {
  await pool.call('DELETE', '/mock/faults', { token: null });
  await context.close();
});

const open = (view: string) => page.goto(`${pool.hsm.url}/mock/#${view}`);

const table = (label: string) => page.getByRole('region', { name: label, exact: true });

test.each(['traffic', 'keys', 'keys/web', 'access', 'faults'])(
  'the view %s shows without a complaint and without anything from elsewhere, narrow and wide, light and dark',
  async (view) => {
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [400, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await open(view);
      await page.locator('.panel').first().waitFor();
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(overflow).toBeLessThanOrEqual(0);
    }
    expect(complaints).toEqual([]);
  },
);

/** Of the tables that are shown, those that are wider than their place: "Keys 666 in 378". */
const widerThanTheirPlace = () =>
  page
    .locator('.scroll')
    .evaluateAll((places) =>
      places
        .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
        .map((place) => `${place.getAttribute('aria-label')} ${place.scrollWidth} in ${place.clientWidth}`),
    );

test('the page forbids scripts, styles and requests of others', async () => {
  const { headers } = await pool.call('GET', '/mock/', { token: null });
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toMatch(/script-src 'self' 'sha256-[^']+'(;|$)/);
  expect(policy).not.toContain('unsafe');
});

describe('keys', () => {
  test('are found by label, type, state and tag', async () => {
    await open('keys');
    const rows = page.getByRole('row');
    await page.getByRole('link', { name: 'gone' }).waitFor();
    await page.getByRole('searchbox').fill('onerror ec');
    await page.getByRole('link', { name: 'gone' }).waitFor({ state: 'detached' });
    expect(await rows.count()).toBe(2);
    await page.getByRole('searchbox').fill('deleted');
    await page.getByRole('link', { name: 'gone' }).waitFor();
    expect(await rows.count()).toBe(2);
  });

  test('show their tags as PKCS#11 attributes, damaged ones as such', async () => {
    await open('keys/web');
    const rows = table('PKCS#11 attributes').getByRole('row');
    await rows.nth(3).waitFor();
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(/Object\s+Attribute\s+Value/),
      expect.stringMatching(/public key\s+CKA_VERIFY\s+perhaps damaged: expected true or false/),
      expect.stringContaining(hostile),
      expect.stringMatching(/private key\s+CKA_ID\s+cafe/),
    ]);
  });

  test('cannot put markup into the page by their tags, nor roles by their names', async () => {
    await open('keys/web');
    await page.getByText(hostile).first().waitFor();
    await open('access');
    await page.getByText(hostile).first().waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.title()).toBe('Access · mock-hsm');
    expect(complaints).toEqual([]);
  });
});

describe('"is this allowed?"', () => {
  const ask = async (principal: string, action: string, scope: string) => {
    await open('access');
    await page.getByRole('combobox', { name: 'Principal' }).fill(principal);
    await page.getByLabel('Operation or data action').fill(action);
    await page.getByRole('textbox', { name: 'Scope' }).fill(scope);
    await page.getByRole('button', { name: 'Explain' }).click();
  };

  test('names the role and the scope that allow it', async () => {
    await ask('client', 'sign', '/keys/web');
    await page.getByText('The role Managed HSM Crypto User, assigned at /keys, allows it.').waitFor();
    expect(await page.getByRole('status').innerText()).toMatch(/^Allowed client may do/);
  });

  test('says of each assignment why it does not help', async () => {
    await ask('admin', 'Microsoft.KeyVault/managedHsm/keys/sign/action', '/keys/web');
    await page.getByText('does not help: the role lacks the data action').waitFor();
    expect(await page.getByRole('status').innerText()).toMatch(/^Denied admin may not do/);
    await ask('client', 'listRoleAssignments', '/');
    await page.getByText('does not help: /keys does not cover /').waitFor();
    await ask('11111111-2222-3333-4444-555555555555', 'sign', '/keys/web');
    await page.getByText('It has no role assignment, and none of its groups has one.').waitFor();
  });

  test('says what of the question it does not understand', async () => {
    await ask('nobody', 'sign', '/keys/web');
    await page.getByText('Nobody is called nobody').waitFor();
    await ask('client', 'sign', 'web');
    await page.getByText('web is no scope: give /, /keys or /keys/NAME').waitFor();
  });
});

test('live traffic and the log move when requests come; the log can be filtered and paused', async () => {
  await open('traffic');
  await page.getByText('Requests a second').first().waitFor();
  const signs = table('Request log').getByRole('row').filter({ hasText: 'ES256' });
  await page.getByRole('searchbox').fill('sign status:200');
  await page.getByText('No request matches the filter.').waitFor();
  await sign();
  await signs.first().waitFor();
  expect(await signs.first().innerText()).toMatch(/client\s+sign ES256\s+web\s+Managed HSM Crypto User\s+200/);
  await table('Requests by operation').getByText('sign', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await sign();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  expect(await signs.count()).toBe(1);
  await page.getByRole('button', { name: 'Resume' }).click();
  await signs.nth(1).waitFor();
  expect(complaints).toEqual([]);
});

describe('faults', () => {
  test('one that is switched on befalls the next request, shows as on, and is gone when switched off', async () => {
    await open('faults');
    const button = page.getByRole('switch', { name: 'Service unavailable' });
    await button.click();
    await page.locator('[role=switch][aria-checked=true]').waitFor();
    expect(await sign()).toMatchObject({ status: 503 });
    await table('Faults that are on').getByText('status: 503').waitFor();
    await button.click();
    await page.getByText('None: the pool answers as it should.').waitFor();
    expect(await sign()).toMatchObject({ status: 200 });
  });

  test('the form makes any other, and shows what is wrong with one', async () => {
    await open('faults');
    await page.getByText('Another fault').click();
    await page.getByRole('button', { name: 'Switch on' }).click();
    await page.getByRole('alert').getByText('a fault must do something').waitFor();
    await page.getByLabel('Operation').selectOption('sign');
    await page.getByRole('textbox', { name: 'Status' }).fill('429');
    await page.getByRole('textbox', { name: 'Times' }).fill('1');
    await page.getByRole('button', { name: 'Switch on' }).click();
    await page.getByRole('button', { name: 'Remove', exact: true }).waitFor();
    expect(await pool.call('GET', '/keys')).toMatchObject({ status: 200 });
    expect(await sign()).toMatchObject({ status: 429 });
    expect(await sign()).toMatchObject({ status: 200 });
  });

  test('every one of the common faults is taken by the mock, and found again', async () => {
    await open('faults');
    const switches = page.getByRole('switch');
    await switches.last().waitFor();
    const count = await switches.count();
    for (let i = 0; i < count; i += 1) {
      // A handshake fault slows this page's own next connection: the last one is left out.
      if ((await switches.nth(i).innerText()).includes('handshakes')) continue;
      await switches.nth(i).click();
      await page.locator(`[role=switch][aria-checked=true] >> nth=${Math.min(i, count - 2)}`).waitFor();
    }
    expect(await page.getByRole('alert').count()).toBe(0);
  });
});

test('everything can be reached by the keyboard', async () => {
  await open('faults');
  await page.getByRole('switch').first().waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.locator('[role=switch][aria-checked=true]').waitFor();
  expect(await sign()).toMatchObject({ status: 503 });
});

// Last: it fills the log.
describe('no cell is clipped', () => {
  /** One operation with many outcomes, beside one with a long name. */
  const mixedTraffic = async () => {
    for (const status of [400, 401, 403, 404, 409, 429, 500, 503]) {
      await pool.call('POST', '/mock/faults', { token: null, body: { operation: 'sign', status, times: 1 } });
      await sign();
    }
    await sign();
    await pool.call('GET', '/providers/Microsoft.Authorization/roleAssignments');
  };

  test.each(['traffic', 'keys', 'keys/web', 'access', 'faults'])('in the view %s on a wide screen', async (view) => {
    await mixedTraffic();
    await pool.call('POST', '/mock/faults', { token: null, body: { operation: 'unwrapKey', status: 503 } });
    await page.setViewportSize({ width: 1280, height: 800 });
    await open(view);
    if (view === 'traffic') await table('Requests by operation').getByText('503').waitFor();
    else if (view === 'faults') await table('Faults that are on').waitFor();
    else await page.locator('.scroll').first().waitFor();
    expect(await widerThanTheirPlace()).toEqual([]);
  });

  test('in the sums by operation and the faults that are on, on a narrow one', async () => {
    await mixedTraffic();
    const fault = { operation: 'listRoleAssignments', status: 429, retryAfterS: 1, probability: 0.25, times: 'always' };
    await pool.call('POST', '/mock/faults', { token: null, body: fault });
    await page.setViewportSize({ width: 400, height: 800 });
    await open('traffic');
    await table('Requests by operation').getByText('503').waitFor();
    expect(await widerThanTheirPlace()).not.toContainEqual(expect.stringContaining('Requests by operation'));
    await open('faults');
    await page.getByRole('button', { name: 'Remove', exact: true }).waitFor();
    expect(await widerThanTheirPlace()).toEqual([]);
  });
});
