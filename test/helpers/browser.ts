import axe from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { PASSWORD } from './hub.ts';
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

/**
 * A suite in a real browser. Chromium is on no machine by itself; where it is missing the run says so in one line at its start. `describe` is
 * looked up at each call: a process that runs one file after the other has another one for each.
 */
export function withBrowser(title: string, suite: (this: Mocha.Suite) => void): void {
  if (executablePath) describe(title, suite);
}

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

/** Fills in the form for signing in that the page shows, and waits for the page after it: to go on before would cut the sign-in short. */
export async function fillSignIn(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
}

/** A page of somebody who is signed in, in a browser context of its own. */
export async function openSignedIn(
  browser: Browser,
  origin: string,
  email: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const page = await (await browser.newContext({ baseURL: origin, ...options })).newPage();
  await page.goto('/sign-in');
  await fillSignIn(page, email);
  return page;
}

/** What the browser complains of on the page from now on: errors and warnings of scripts, and of the content policy. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${String(error)}`));
  return complaints;
}
