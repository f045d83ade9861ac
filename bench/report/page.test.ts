// The page in a real browser, headless, from its file.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { madeUpResult } from '../made-up-result.ts';
import type { Result } from '../result.ts';
import { writeReport } from './write.ts';

const hostile = '</script><!--<img src=x onerror="document.title=\'taken over\'">';
const whole = madeUpResult(['RSA-2048', 'P-384']);
/** As sparse as a quick run: each axis with one value of the other, and a little more. */
const made: Result = {
  ...whole,
  measurements: whole.measurements.filter(
    ({ point: { workers, maxConnections } }) =>
      maxConnections === null || maxConnections === 50 || workers === 32 || (workers === 4 && maxConnections < 10),
  ),
};
const result: Result = {
  ...made,
  machine: { ...made.machine, processor: hostile },
  targets: made.targets.map((target) => ({ ...target, name: hostile })),
};

let folder: string;
let address: string;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the browser complained about, and what it asked for besides the page. */
let complaints: string[];

beforeAll(async () => {
  const executablePath = '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error('chromium is missing: run scripts/set-up-clients');
  folder = mkdtempSync(join(tmpdir(), 'bench-page-'));
  await writeReport(result, folder);
  address = pathToFileURL(join(folder, 'result.html')).href;
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  complaints = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (request.url() !== address) complaints.push(`asked for ${request.url()}`);
  });
});

afterEach(() => context.close());

async function open({ width = 1280, colorScheme = 'light' as 'light' | 'dark' } = {}): Promise<void> {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme });
  await page.goto(address);
  await page.locator('.place svg').nth(3).waitFor();
}

const panel = (title: string) =>
  page.locator('.panel', { has: page.getByRole('heading', { name: title, exact: true }) });

/** Texts of the plots that lie on one another, or that are cut at the edge of their panel. */
const clashes = (): Promise<string[]> =>
  page.locator('.panel:has(svg)').evaluateAll((panels) =>
    panels.flatMap((place) => {
      const edge = place.getBoundingClientRect();
      const texts = [...place.querySelectorAll('svg text')]
        .map((text) => ({ says: text.textContent, box: text.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0);
      const cut = texts.filter(({ box }) => box.left < edge.left || box.right > edge.right);
      const pairs = texts.flatMap((one, index) => texts.slice(index + 1).map((other) => [one, other] as const));
      const over = pairs.filter(
        ([{ box: a }, { box: b }]) =>
          Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 &&
          // A line of text is as high as its letters with their ascenders: half of the gap may touch.
          Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2,
      );
      return [...cut.map(({ says }) => `${says} is cut`), ...over.map(([a, b]) => `${a.says} on ${b.says}`)];
    }),
  );

test.each([
  [1280, 'light'],
  [400, 'dark'],
] as const)(
  '%i pixels wide and %s, the page stands alone, and no text of a plot lies on another',
  async (width, colorScheme) => {
    await open({ width, colorScheme });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(await clashes()).toEqual([]);
    for (const [label, option] of [
      ['Key', 'P-384'],
      ['Signer', 'bare REST'],
      ['Compared with', 'mhsm-pkcs11'],
    ] as const) {
      await page.getByLabel(label, { exact: true }).selectOption(option);
      expect(await clashes(), option).toEqual([]);
    }
    expect(complaints).toEqual([]);
  },
);

test('machine and date stand at the top, the library’s licences inside, and the result as it was measured', async () => {
  await open();
  const top = await page.locator('.top').innerText();
  expect(top).toContain('2026-01-02 03:04 UTC');
  expect(top).toContain(hostile);
  const html = readFileSync(new URL(address), 'utf8');
  expect(html).toContain('Observable, Inc.');
  // The validator of the schema is not needed where the result is shown.
  expect(html).not.toContain('ZodError');
  const written = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')) as Result;
  expect(JSON.parse((await page.locator('#result').textContent()) ?? '')).toEqual(written);
  expect({ ...written, measurements: [] }).toEqual({ ...result, measurements: [] });
  for (const [index, { perSecond, latencyMs }] of written.measurements.entries()) {
    const exact = result.measurements[index];
    expect([perSecond, latencyMs.p99 / (exact?.latencyMs.p99 ?? 0)]).toEqual([exact?.perSecond, expect.closeTo(1, 4)]);
  }
});

test('text of a result is never markup', async () => {
  await open();
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.title()).toBe('Benchmark of mhsm-pkcs11, 2026-01-02');
});

describe('the plots', () => {
  /** Names of the lines of a plot, from the labels at their ends. */
  const linesOf = (title: string) => panel(title).locator('svg text[font-weight="600"], svg g[font-weight="600"] text');

  test('show a line for each speed of the HSM and for the keys without one', async () => {
    await open();
    for (const title of ['Rate against MaxConnections', 'Rate against workers']) {
      expect((await linesOf(title).allTextContents()).toSorted()).toEqual(
        ['0 ms', '1 ms', '5 ms', '20 ms', 'Standard B1', 'SoftHSM 2', 'PEM file'].toSorted(),
      );
    }
    expect(await linesOf('Latency against MaxConnections').allTextContents()).toEqual(['p50', 'p95', 'p99']);
  });

  test('name their axes, with units', async () => {
    await open();
    const texts = await panel('Rate against MaxConnections').locator('svg text').allTextContents();
    expect(texts).toEqual(expect.arrayContaining(['MaxConnections', 'Signatures a second', '1', '50', '1,000']));
    expect(await panel('Latency against workers').locator('svg text').allTextContents()).toContain('Milliseconds each');
  });

  test('follow the choice of load and of what is held', async () => {
    await open();
    const rate = panel('Rate against MaxConnections');
    const before = await rate.locator('svg').innerHTML();
    await rate.getByLabel('Load').selectOption('TLS 1.3 handshakes');
    await rate.getByLabel('Workers').selectOption('4');
    expect(await rate.locator('svg text').allTextContents()).toContain('TLS 1.3 handshakes a second');
    expect(await rate.locator('svg').innerHTML()).not.toBe(before);
  });

  test('ring the points at which the processor was the limit, and no others', async () => {
    await open();
    const rings = panel('Rate against MaxConnections').locator('svg circle[r="7.5"]');
    const drawn = made.measurements.filter(
      ({ point, processor }) =>
        processor.limit !== null &&
        point.signer === 'library' &&
        point.load === 'signs' &&
        point.keyType === 'RSA-2048' &&
        point.workers === 32,
    );
    expect(drawn.length).toBeGreaterThan(0);
    expect(drawn.length).toBeLessThan(
      await panel('Rate against MaxConnections').locator('[aria-label="dot"] path').count(),
    );
    expect(await rings.count()).toBe(drawn.length);
  });

  test('say so when nothing was measured for a choice, and come back', async () => {
    await open();
    const handshakes = panel('Rate against workers');
    await page.getByLabel('Signer', { exact: true }).selectOption('bare REST');
    await handshakes.getByText('Nothing was measured for this choice.').waitFor();
    await page.getByLabel('Signer', { exact: true }).selectOption('mhsm-pkcs11');
    await handshakes.locator('svg').waitFor();
    expect(await handshakes.getByText('Nothing was measured').count()).toBe(0);
  });

  test('tell everything about the point under the pointer', async () => {
    await open();
    const dot = panel('Rate against MaxConnections').locator('svg [aria-label="dot"] path').first();
    await dot.hover({ force: true });
    const tip = panel('Rate against MaxConnections').locator('svg [aria-label="tip"]');
    await tip.getByText(/p50 .* p95 .* p99 .* ms/).waitFor();
    expect(await tip.textContent()).toMatch(/mhsm-pkcs11, HSM .*32 workers, MaxConnections 1.*a second/s);
  });
});

test('what to set stands before the plots, for the chosen key', async () => {
  await open();
  const answer = page.getByRole('region', { name: 'Which MaxConnections: Signatures, RSA-2048, 32 workers' });
  const cells = await answer
    .getByRole('row', { name: /^20 ms / })
    .getByRole('cell')
    .allTextContents();
  expect(cells.slice(0, 2)).toEqual(['20 ms', '32']);
  expect(cells.at(-1)).toBe('one for each worker');
  expect(await answer.evaluate((region) => region.scrollWidth - region.clientWidth)).toBe(0);
  await page.getByLabel('Key', { exact: true }).selectOption('P-384');
  await page.getByRole('region', { name: 'Which MaxConnections: Signatures, P-384, 32 workers' }).waitFor();
  expect(await answer.count()).toBe(0);
});

test('the table shows all measurements with the chosen key', async () => {
  await open();
  const rows = page.getByRole('region', { name: 'Signatures, RSA-2048', exact: true }).getByRole('row');
  const measured = made.measurements.filter(({ point }) => point.load === 'signs' && point.keyType === 'RSA-2048');
  expect(await rows.count()).toBe(measured.length + 1);
  await page.getByLabel('Key', { exact: true }).selectOption('P-384');
  await page.getByRole('region', { name: 'Signatures, P-384', exact: true }).waitFor();
  expect(await rows.count()).toBe(0);
});

test('a result that does not fit its schema is not written', async () => {
  const target = join(folder, 'refused');
  await expect(writeReport({ ...made, startedAt: 'today' }, target)).rejects.toThrow(/startedAt/);
  expect(existsSync(target)).toBe(false);
});
