import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { readEnv } from '../server/config.ts';
import { startHub } from '../server/hub.ts';
import { createLogger } from '../server/logger.ts';
import { prepareStart } from '../server/start.ts';
import { freePort } from '../test/helpers/free-port.ts';
import { findChromium } from '../test/helpers/requirements.ts';

/**
 * Pictures of every page, taken of a hub with stand-ins of the vendors and an embedded database of its own:
 * `npm run screenshots` writes them to docs/screenshots, `npm run screenshots -- FOLDER --all` also at a phone's width and in the dark.
 */
const LOGIN = { email: 'admin@example.com', password: 'demo-password' };
const LOOKS = [
  { suffix: '', width: 1440, height: 900, colorScheme: 'light' },
  { suffix: '-dark', width: 1440, height: 900, colorScheme: 'dark' },
  { suffix: '-phone', width: 390, height: 844, colorScheme: 'light' },
  { suffix: '-phone-dark', width: 390, height: 844, colorScheme: 'dark' },
] as const;
/** A page's whole height, but of very long ones only the beginning. */
const MAX_HEIGHT = 2_400;

type Shot = (name: string) => Promise<void>;

async function main(args: string[]): Promise<void> {
  const everyLook = args.includes('--all');
  const folder = path.resolve(
    args.find((arg) => !arg.startsWith('-')) ?? fileURLToPath(new URL('../docs/screenshots', import.meta.url)),
  );
  const executablePath = findChromium();
  if (!executablePath) throw new Error('There is no Chromium on this machine; install one (apt-get install chromium).');
  await mkdir(folder, { recursive: true });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const looks = everyLook ? LOOKS : LOOKS.slice(0, 1);
  try {
    await withHub({}, (url) => take(browser, url, looks, folder, visitNewHub));
    await withHub({ ADMIN_EMAIL: LOGIN.email, ADMIN_PASSWORD: LOGIN.password }, (url) =>
      take(browser, url, looks, folder, visitAll),
    );
  } finally {
    await browser.close();
  }
}

/** A hub on the embedded database with the stand-ins, gone when the work is done. */
async function withHub(env: Record<string, string>, work: (url: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-screenshots-'));
  const { config, sandbox } = await prepareStart({
    ...readEnv(),
    DATA_DIR: dataDir,
    DATABASE_URL: undefined,
    REDIS_URL: undefined,
    PORT: String(await freePort()),
    LOG_LEVEL: 'silent',
    ADMIN_EMAIL: undefined,
    ADMIN_PASSWORD: undefined,
    SSO_PROVIDERS: 'google,atlassian',
    SANDBOX: '1',
    ...env,
  });
  const hub = await startHub(config, { logger: createLogger(config) });
  try {
    await work(config.baseUrl);
  } finally {
    await hub.close();
    await sandbox?.close();
    await rm(dataDir, { recursive: true });
  }
}

async function take(
  browser: Browser,
  url: string,
  looks: readonly (typeof LOOKS)[number][],
  folder: string,
  visit: (context: BrowserContext, page: Page, shot: Shot) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, baseURL: url, timezoneId: 'UTC' });
  const page = await context.newPage();
  const shot: Shot = async (name) => {
    // The pointer where it was left would colour a link.
    await page.mouse.move(0, 0);
    for (const { suffix, width, height, colorScheme } of looks) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height });
      const whole = await page.evaluate<number>('document.documentElement.scrollHeight');
      await page.screenshot({
        path: path.join(folder, `${name}${suffix}.png`),
        fullPage: true,
        clip: { x: 0, y: 0, width, height: Math.max(height, Math.min(whole, MAX_HEIGHT)) },
      });
      console.log(`${name}${suffix}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
  };
  await visit(context, page, shot);
  await context.close();
}

/** What the first visitor of a hub without users sees. */
async function visitNewHub(_context: BrowserContext, page: Page, shot: Shot): Promise<void> {
  await page.goto('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await shot('set-up');
}

/** The way through the hub that a newcomer takes. */
async function visitAll(context: BrowserContext, page: Page, shot: Shot): Promise<void> {
  await page.goto('/sign-in');
  await shot('sign-in');
  await page.getByLabel('E-mail address').fill(LOGIN.email);
  await page.getByLabel('Password').fill(LOGIN.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
  await page.goto('/admin');
  await shot('overview-empty');
  for (const empty of ['integrations', 'browse', 'imports', 'documents', 'search']) {
    await page.goto(`/admin/${empty}`);
    await shot(`${empty}-empty`);
  }
  let account = '';
  for (const name of ['Google Drive', 'Microsoft 365', 'Dropbox', 'Confluence', 'Jira']) {
    await page.goto('/admin/integrations');
    await page.getByRole('button', { name: `Connect ${name}`, exact: true }).click();
    if (name === 'Google Drive') await shot('consent');
    await page.getByRole('button', { name: /^(Allow|Accept|Yes)$/ }).click();
    await page.waitForURL(/\/admin\/integrations\/[0-9a-f-]{36}$/);
    account ||= page.url();
  }
  await page.goto('/admin/integrations/confluence/token');
  await shot('connect-by-token');
  await page.goto('/admin/browse');
  await page.getByRole('navigation', { name: 'Accounts and folders' }).getByText('Terminal Lease').waitFor();
  await shot('browse');
  const list = page.locator('#pick');
  await list.getByRole('link', { name: 'Operations', exact: true }).first().click();
  await page.getByRole('checkbox', { name: 'Select Runbooks' }).check();
  await page.getByRole('button', { name: 'Add to selection' }).click();
  await list.getByRole('link', { name: 'Policies', exact: true }).first().click();
  await page.getByRole('checkbox', { name: 'Select Severe Weather Policy.md' }).check();
  await shot('browse-folder');
  await page.getByRole('link', { name: 'Preview Severe Weather Policy.md' }).click();
  await page.getByRole('region', { name: 'Text' }).waitFor();
  await shot('browse-preview');
  await page.getByRole('link', { name: 'Close the preview' }).click();
  const preview = await page.getByRole('link', { name: 'Preview Severe Weather Policy.md' }).getAttribute('href');
  const folder = page.url();
  await page.goto(preview ?? '');
  await shot('preview');
  await page.goto('/admin/browse/review');
  await shot('review');
  await page.goto(folder);
  await page.getByLabel('Category (optional)').fill('safety');
  await page.getByRole('button', { name: 'Import selected' }).click();
  await page.waitForURL(/\/admin\/imports\/[0-9a-f-]{36}$/);
  await shot('import-running');
  const started = page.url();
  await page.goto(`${started}/cancel`);
  await shot('import-cancel');
  await page.goto(started);
  await page.getByText('Finished').first().waitFor({ timeout: 60_000 });
  await shot('import');
  await page.goto('/admin');
  await shot('overview');
  await page.goto('/admin/imports');
  await shot('imports');
  await page.goto('/admin/documents');
  await shot('documents');
  await page.goto('/admin/documents/change?do=delete&which=all');
  await shot('documents-delete');
  await page.goto('/admin/documents');
  await page
    .getByRole('link', { name: /Severe Weather/ })
    .first()
    .click();
  await shot('document');
  const document = page.url();
  await page.goto(`${document}/delete`);
  await shot('document-delete');
  await page.goto(document);
  for (const view of ['As embedded', 'History']) {
    await page.getByRole('link', { name: view }).click();
    await page.locator('.tabs [aria-current]', { hasText: view }).waitFor();
    await shot(`document-${view.toLowerCase().replace(' ', '-')}`);
  }
  await page.goto('/admin/search?q=storm+ferry');
  await shot('search');
  await page.goto(`/admin/search?ask=${encodeURIComponent('When does a ferry stay in the harbour?')}`);
  await shot('ask');
  await page.goto('/admin/integrations');
  await shot('integrations');
  await page.goto(account);
  await page.getByRole('button', { name: 'Sync now' }).click();
  await page.getByText('Finished').first().waitFor({ timeout: 60_000 });
  await page.goto(account);
  await shot('integration');
  await page.getByRole('link', { name: 'Stop following' }).first().click();
  await shot('stop-following');
  await page.goto('/admin/invitations');
  await page.getByLabel('E-mail address').fill('ines@saltmarsh-ferry.example');
  await page.getByRole('button', { name: 'Make the link' }).click();
  await page.locator('#created').waitFor();
  await shot('invitations');
  const invitation = (await page.locator('#link-value').textContent()) ?? '';
  await page.goto('/admin/users');
  await page.getByLabel('Name', { exact: true }).fill('Ines Varga');
  await page.getByLabel('E-mail address', { exact: true }).fill('ines.varga@saltmarsh-ferry.example');
  await page.getByLabel('Password').fill('a tide table by heart');
  await page.getByRole('button', { name: 'Add user' }).click();
  await page.getByRole('link', { name: 'Ines Varga' }).click();
  await page.waitForURL(/\/admin\/users\/[0-9a-f-]{36}$/);
  await shot('user');
  await page.goto(`${page.url()}/disable`);
  await shot('user-disable');
  await page.goto('/admin/tokens');
  await page.getByLabel('Name', { exact: true }).fill('Nightly report');
  await page.getByRole('button', { name: /^(Create|Make)/ }).click();
  await page.getByRole('link', { name: 'Delete Nightly report' }).click();
  await shot('token-delete');
  await page.goto('/admin/profile');
  await page.getByRole('button', { name: 'Link Google' }).click();
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByRole('link', { name: /^Unlink/ }).click();
  await shot('unlink');
  for (const name of ['notifications', 'tokens', 'users', 'profile', 'audit', 'setup']) {
    await page.goto(`/admin/${name}`);
    await shot(name);
  }
  await page.goto('/docs');
  await page.locator('.opblock').first().waitFor();
  await shot('reference');
  await page.goto('/admin/integrations');
  await page.getByRole('link', { name: /@/ }).first().click();
  await page.goto(`${page.url()}/disconnect`);
  await shot('disconnect');
  await page.goto('/admin/nowhere');
  await shot('not-found');
  await context.clearCookies();
  await page.goto(invitation);
  await shot('invitation');
}

await main(process.argv.slice(2));
