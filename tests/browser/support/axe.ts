import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

declare const axe: { run(): Promise<AxeResults> };

/** What a page has to be usable as: its colors, and its width in CSS pixels, of which 200 % zoom leaves half. */
const looks = [
  { name: 'light', colorScheme: 'light', widthOf: (usual: number) => usual },
  { name: 'dark, 320 px', colorScheme: 'dark', widthOf: () => 320 },
  { name: '200 % zoom', colorScheme: 'light', widthOf: (usual: number) => usual / 2 },
] as const;
/** The appearance that can be chosen in the backoffice, whatever the colors of the device. */
const highContrast = (isRightToLeft: boolean) =>
  ({
    name: 'high contrast',
    colorScheme: isRightToLeft ? 'dark' : 'light',
    widthOf: (usual: number) => usual,
  }) as const;

/** axe finds nothing on the page in any look, and nothing is wider than the page. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  const size = page.viewportSize();
  assert.ok(size);
  await page.evaluate(source);
  const root = page.locator('html');
  const theme = await root.getAttribute('data-theme');
  const isRightToLeft = (await root.getAttribute('dir')) === 'rtl';
  for (const look of theme === null ? looks : [...looks, highContrast(isRightToLeft)]) {
    if (look.name === 'high contrast') {
      await root.evaluate((element) => element.setAttribute('data-theme', 'contrast'));
    }
    await page.setViewportSize({ width: look.widthOf(size.width), height: size.height });
    await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(async () => {
      // In the middle of a transition, colors have contrasts of their own.
      const finite = document
        .getAnimations()
        .filter(
          ({ effect }) => effect?.getComputedTiming().iterations !== Number.POSITIVE_INFINITY,
        );
      await Promise.allSettled(finite.map(({ finished }) => finished));
    });
    const { violations } = await page.evaluate(() => axe.run());
    const found = violations.flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`),
    );
    assert.deepEqual(found, [], `${what}, ${look.name}`);
    const wide = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth <= clientWidth) return [];
      const isOutside = ({ left, right }: DOMRect) => left < 0 || right > clientWidth;
      return [...document.querySelectorAll('body *')]
        .filter((element) => isOutside(element.getBoundingClientRect()))
        .map(({ tagName, className, textContent }) => `${tagName}.${className} ${textContent}`);
    });
    assert.deepEqual(wide, [], `${what}, ${look.name}: wider than the page`);
  }
  if (theme !== null) {
    await root.evaluate((element, chosen) => element.setAttribute('data-theme', chosen), theme);
  }
  await page.setViewportSize(size);
}
