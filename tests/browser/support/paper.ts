import jsQr from 'jsqr';
import type { Page } from 'playwright-core';
import { PNG } from 'pngjs';

/** What a phone reads from the print of an element of the page. */
export async function printedCode(page: Page, selector: string): Promise<string | undefined> {
  await page.emulateMedia({ media: 'print' });
  const { data, width, height } = PNG.sync.read(await page.locator(selector).screenshot());
  await page.emulateMedia({ media: null });
  return jsQr.default(new Uint8ClampedArray(data), width, height)?.data;
}

/** The sizes of the pages that would be printed, in points. */
export async function printedPages(page: Page): Promise<[number, number][]> {
  const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');
  return [...pdf.matchAll(/\/Type \/Page\b[\s\S]*?\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map(
    ([, width, height]) => [Math.round(Number(width)), Math.round(Number(height))],
  );
}
