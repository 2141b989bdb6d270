import { expect } from 'chai';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { accessibilityFaults, fillSignIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';

const SCHEMES = ['light', 'dark'] as const;

for (const javaScriptEnabled of [true, false])
  withBrowser(`people in a browser, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, function () {
    this.timeout(120_000);
    let hub: TestHub;
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;
    before(async () => {
      hub = await startHub();
      browser = await startBrowser();
      context = await browser.newContext({ javaScriptEnabled, baseURL: hub.url });
      page = await context.newPage();
      page.setDefaultTimeout(30_000);
    });
    after(async () => {
      await browser?.close();
      await hub?.close();
    });

    /** By axe's rules, which need scripts, in both colours; and nothing sticks out of a phone. */
    async function expectAccessible(what: string, shown = page): Promise<void> {
      await shown.getByRole('heading', { level: 1 }).waitFor();
      if (!javaScriptEnabled) return;
      for (const colorScheme of SCHEMES) {
        await shown.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        expect(await accessibilityFaults(shown), `${what}, ${colorScheme}`).to.deep.equal([]);
      }
      await shown.setViewportSize({ width: 390, height: 844 });
      const width = await shown.evaluate<number>('document.documentElement.scrollWidth');
      expect(width, `${what} on a phone`).to.be.at.most(390);
      await shown.setViewportSize({ width: 1280, height: 900 });
    }

    async function signIn(email: string, password: string, shown = page): Promise<void> {
      await shown.goto('/sign-in');
      await fillSignIn(shown, email, password);
    }

    it('are invited by a link, join with a name and a password of their own, and are disabled', async () => {
      await signIn('admin@example.com', PASSWORD);
      await page.getByRole('link', { name: 'Users' }).click();
      await expectAccessible('the users');
      await page.getByRole('link', { name: 'Invite by a link' }).click();
      await expectAccessible('no invitation');
      await page.getByLabel('E-mail address').fill('nonsense');
      await page.getByRole('button', { name: 'Make the link' }).click();
      await page.getByRole('alert').waitFor();
      await expectAccessible('a wrong address');
      await page.getByLabel('E-mail address').fill('guest@example.com');
      await page.getByRole('button', { name: 'Make the link' }).click();
      const link = (await page.locator('#link-value').textContent()) ?? '';
      await expectAccessible('the link');

      const guest = await browser.newContext({ javaScriptEnabled, baseURL: hub.url });
      const joining = await guest.newPage();
      await joining.goto(link);
      await expectAccessible('the invitation', joining);
      await joining.getByLabel('Your name').fill('Guest');
      await joining.getByLabel('Password').fill('the guest’s own password');
      await joining.getByRole('button', { name: 'Join' }).click();
      await joining.getByText('Welcome, Guest.').waitFor();

      await page.goto('/admin/users');
      await page.getByRole('link', { name: 'Guest' }).click();
      await expectAccessible('one user');
      await page.getByRole('link', { name: 'Disable…' }).click();
      await expectAccessible('the question');
      await page.getByRole('button', { name: 'Yes, disable' }).click();
      await page.getByText('Guest is disabled').waitFor();
      await expectAccessible('a disabled user');
      await joining.goto('/admin/search');
      expect(new URL(joining.url()).pathname).to.equal('/sign-in');
      await guest.close();

      await page.getByRole('link', { name: 'Show in the audit log' }).click();
      await page.getByText('User disabled').last().waitFor();
      expect(await page.locator('tbody tr').count()).to.be.above(3);
      await expectAccessible('the audit log');
      await page.getByRole('link', { name: 'Clear' }).click();
      await page.getByLabel('What', { exact: true }).selectOption('User invited');
      await page.getByRole('button', { name: 'Filter' }).click();
      await page.waitForURL(/action=user_invited/);
      await page.locator('tbody tr').first().waitFor();
      expect(await page.locator('tbody tr').count()).to.equal(1);
      await page.goto('/admin/audit?who=zebra');
      await expectAccessible('an empty audit log');
    });

    it('find their profile in their menu, and end their other sessions', async () => {
      const elsewhere = await browser.newContext({ javaScriptEnabled, baseURL: hub.url });
      const other = await elsewhere.newPage();
      await signIn('admin@example.com', PASSWORD, other);
      await page.goto('/admin/search');
      await page.locator('summary', { hasText: 'admin' }).click();
      await page.getByRole('link', { name: 'Your profile' }).click();
      await page.getByText('This one').waitFor();
      await expectAccessible('the profile');
      await page.getByRole('button', { name: 'Change password' }).click();
      await page.getByRole('alert').waitFor();
      await expectAccessible('the profile with an error');
      await page.getByRole('button', { name: 'End all other sessions' }).click();
      await page.getByText(/other sessions? ended/).waitFor();
      await other.goto('/admin/search');
      expect(new URL(other.url()).pathname).to.equal('/sign-in');
      await elsewhere.close();
    });
  });
