import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { accessibilityFaults, complaintsOf, startBrowser, withBrowser } from '../helpers/browser.ts';
import { PASSWORD, type TestHub } from '../helpers/hub.ts';
import { startSsoHub } from '../helpers/sso.ts';

const SCHEMES = ['light', 'dark'] as const;

withBrowser('sign-in with other services in a browser', function () {
  this.timeout(120_000);
  let hub: TestHub;
  let browser: Browser;
  before(async () => {
    hub = await startSsoHub();
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await hub?.close();
  });

  for (const javaScriptEnabled of [true, false])
    it(`goes there and back, is linked and unlinked, with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
      // The one that the consent pages propose.
      const name = javaScriptEnabled ? 'Wilma Scripted' : 'Wilma Plain';
      const email = javaScriptEnabled ? 'scripted@example.com' : 'plain@example.com';
      hub.sandbox.google.state.accounts.unshift({ id: email, email, name, spaces: [] });
      await hub.context.invitations.invite(hub.admin, { email, role: 'member' });
      const context = await browser.newContext({ javaScriptEnabled, baseURL: hub.url });
      const page = await context.newPage();
      page.setDefaultTimeout(30_000);
      const complaints = complaintsOf(page);
      const button = (label: string) => page.getByRole('main').getByRole('button', { name: label, exact: true });

      await page.goto('/admin/documents?q=lease');
      await expectAccessible(page, 'the sign-in page', javaScriptEnabled);
      await button('Sign in with Google').click();
      await button('Deny').click();
      await page.getByText('Google was not allowed to say who you are').waitFor();
      await expectAccessible(page, 'a refusal', javaScriptEnabled);
      await button('Sign in with Google').click();
      await button('Allow').click();
      await page.waitForURL(`${hub.url}/admin/documents?q=lease`);
      await page.getByText(`Welcome, ${name}.`).waitFor();

      await page.goto('/admin/profile');
      await page.getByText('You have none').waitFor();
      await button('Link Atlassian').click();
      await button('Allow').click();
      await page.getByText('You can sign in with Atlassian from now on.').waitFor();
      await expectAccessible(page, 'the profile', javaScriptEnabled);
      await page.getByRole('link', { name: /Unlink.*Google/ }).click();
      await expectAccessible(page, 'the question', javaScriptEnabled);
      await button('Yes, unlink it').click();
      await page.getByText('You no longer sign in with that Google account.').waitFor();
      await page.getByRole('link', { name: /Unlink.*Atlassian/ }).click();
      await button('Yes, unlink it').click();
      await page.getByText('Set a password first').waitFor();
      await page.getByLabel('New password').fill(PASSWORD);
      await button('Set password').click();
      await page.getByText('Your password is set.').waitFor();
      // A page that is refused by the policy is told of nowhere else; the refusal above is a complaint, too.
      expect(complaints.filter((text) => text.includes('Content Security Policy'))).to.deep.equal([]);
      await context.close();
    });
});

/** By axe's rules, which need scripts, in both colours; and nothing sticks out of a phone. */
async function expectAccessible(page: Page, what: string, hasScripts: boolean): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  if (!hasScripts) return;
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    expect(await accessibilityFaults(page), `${what}, ${colorScheme}`).to.deep.equal([]);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  const width = await page.evaluate<number>('document.documentElement.scrollWidth');
  expect(width, `${what} on a phone`).to.be.at.most(390);
  await page.setViewportSize({ width: 1280, height: 900 });
}
