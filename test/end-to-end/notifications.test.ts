import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { accessibilityFaults, fillSignIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { startMailServer, type MailServer } from '../helpers/receivers.ts';
import { waitFor } from '../helpers/wait.ts';

for (const javaScriptEnabled of [true, false])
  withBrowser(`notifications in a browser, JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, function () {
    this.timeout(120_000);
    let hub: TestHub;
    let mail: MailServer;
    let browser: Browser;
    let page: Page;
    before(async () => {
      mail = await startMailServer();
      hub = await startHub({ env: mail.env });
      browser = await startBrowser();
      page = await (await browser.newContext({ javaScriptEnabled })).newPage();
      page.setDefaultTimeout(30_000);
    });
    after(async () => {
      await browser?.close();
      await hub?.close();
      await mail?.close();
    });

    /** By axe's rules, which need scripts. */
    async function expectAccessible(what: string): Promise<void> {
      if (!javaScriptEnabled) return;
      expect(await accessibilityFaults(page), what).to.deep.equal([]);
    }

    it('stand above a page, lead to what they tell of, can be dismissed, and are listed', async () => {
      const integration = await connectGoogle(hub, hub.admin);
      await hub.context.credentials.giveUp(integration, 'Reconnect the account.').catch(() => undefined);
      await page.goto(`${hub.url}/admin/search`);
      await fillSignIn(page, 'admin@example.com');
      const lines = page.getByRole('region', { name: 'Needs your attention' });
      await lines.getByText('needs to be reconnected.').first().waitFor();
      await expectAccessible('a page with a line');
      await lines.getByRole('link', { name: /^Reconnect/ }).click();
      await page.waitForURL(`${hub.url}/admin/integrations/${integration.id}`);
      await page.goto(`${hub.url}/admin/search`);
      await lines.getByRole('button', { name: /^Dismiss/ }).click();
      await page.waitForURL(`${hub.url}/admin/search`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await lines.count()).to.equal(0);

      await page.locator('summary', { hasText: 'admin' }).click();
      await page.getByRole('link', { name: 'Notifications' }).click();
      await page.getByText('Dismissed').waitFor();
      await expectAccessible('the list');
      // The mail of what happened is on its way of its own, and may come late.
      await waitFor('the mail of what happened', () => mail.mails.length === 1);
      await page.getByRole('button', { name: 'Send a test mail' }).click();
      await page.getByText('The test mail was taken by the mail server.').waitFor();
      expect(mail.mails.at(-1)?.subject).to.contain('This is a test');
    });
  });
