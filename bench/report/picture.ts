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
/** The page to the end of its first plots. */
const WIDTH = 1240;
const BELOW_PLOTS = 16;

const folder = process.argv[2] ?? committedFolders().at(-1);
if (folder === undefined) throw new Error('bench/results holds no result: name a folder that does');
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 900 }, colorScheme: 'light' });
  await page.goto(pathToFileURL(join(resolve(folder), 'result.html')).href);
  await page.locator('.place svg').first().waitFor();
  const plot = await page.locator('#plots .panel').first().boundingBox();
  if (plot === null) throw new Error(`the page in ${folder} shows no plot`);
  const height = plot.y + plot.height + BELOW_PLOTS;
  await page.screenshot({ path: PICTURE, fullPage: true, clip: { x: 0, y: 0, width: WIDTH, height } });
} finally {
  await browser.close();
}
