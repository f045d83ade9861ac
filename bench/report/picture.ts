/**
 * Writes docs/images/bench-page.png: the top of the page of the newest committed result, or of another.
 *
 *   node bench/report/picture.ts [FOLDER]
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { committedFolders } from '../committed.ts';

const PICTURE = join(import.meta.dirname, '../../docs/images/bench-page.png');
const SIZE = { width: 1240, height: 690 };

const folder = process.argv[2] ?? committedFolders().at(-1);
if (folder === undefined) throw new Error('bench/results holds no result: name a folder that does');
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light' });
  await page.goto(pathToFileURL(join(resolve(folder), 'result.html')).href);
  await page.locator('.place svg').first().waitFor();
  await page.screenshot({ path: PICTURE });
} finally {
  await browser.close();
}
