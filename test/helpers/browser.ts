import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { findChromium } from './requirements.ts';

const executablePath = findChromium();
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A suite in a real browser. Chromium is on no machine by itself; where it is missing the run says so in one line at its start. */
export const withBrowser = executablePath ? describe : () => undefined;

export const startBrowser = (): Promise<Browser> => chromium.launch({ executablePath, args: FLAGS });

/** What axe finds against WCAG 2.2 AA and its best practices on the page as it is, a line each. Needs a page with scripts. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // evaluate() is not subject to the page's content policy, a script element would be.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: run } = globalThis as unknown as { axe: typeof axe };
    const { violations } = await run.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  });
}
