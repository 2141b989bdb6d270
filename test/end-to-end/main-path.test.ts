import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { sampleFacts } from '../../providers/sandbox/company/facts.ts';
import { accessibilityFaults, complaintsOf, fillSignIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { databaseKinds, mainKind, openTestDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { waitFor } from '../helpers/wait.ts';

const FACT = sampleFacts.find(({ file }) => file === 'Severe Weather Policy.md');

for (const [javaScriptEnabled, kind] of [
  [true, databaseKinds[0]],
  [false, mainKind],
] as const)
  withBrowser(`the main path in a browser, JavaScript ${javaScriptEnabled ? 'on' : 'off'} (${kind})`, function () {
    this.timeout(120_000);
    let hub: TestHub;
    let browser: Browser;
    let page: Page;
    let complaints: string[];

    before(async () => {
      hub = await startHub({ database: await openTestDatabase(kind) });
      browser = await startBrowser();
      page = await (await browser.newContext({ javaScriptEnabled })).newPage();
      page.setDefaultTimeout(15_000);
      complaints = complaintsOf(page);
    });
    after(async () => {
      await browser?.close();
      await hub?.close();
    });

    /** Accessibility by axe's rules for WCAG 2.2 AA. It needs scripts, so it runs where they are on. */
    async function expectAccessible(what: string) {
      if (!javaScriptEnabled) return;
      expect(await accessibilityFaults(page), what).to.deep.equal([]);
    }

    it('signs in, connects, browses, imports, finds a sentence with its citation, and disconnects without a trace', async () => {
      await page.goto(hub.url);
      await expectAccessible('sign-in');
      await fillSignIn(page, 'admin@example.com');
      await page.getByRole('link', { name: 'Connect an account' }).click();
      await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
      await expectAccessible('integrations');

      await page.getByRole('button', { name: 'Connect Google Drive' }).click();
      await page.getByText('wants access to your Google Account').first().waitFor();
      await expectAccessible('consent page');
      await page.getByRole('button', { name: 'Allow' }).click();
      await page.waitForURL(/\/admin\/integrations\/[0-9a-f-]{36}$/);
      await expectAccessible('integration');

      await page.goto(`${hub.url}/admin/browse`);
      const list = page.locator('#pick');
      await list.getByRole('link', { name: 'Operations', exact: true }).click();
      await list.getByRole('link', { name: 'Policies', exact: true }).click();
      await page.getByRole('checkbox', { name: 'Select Safety Management Policy.docx' }).check();
      await page.getByRole('checkbox', { name: 'Select Severe Weather Policy.md' }).check();
      await expectAccessible('folder');
      await page.getByRole('button', { name: 'Add to selection' }).click();
      await page.getByText('2 items').first().waitFor();
      await page
        .getByRole('navigation', { name: 'Breadcrumbs' })
        .getByRole('link', { name: 'Operations', exact: true })
        .click();
      await page.getByRole('checkbox', { name: 'Select Runbooks' }).check();
      await page.getByLabel('Category (optional)').fill('safety');
      await page.getByRole('button', { name: 'Import selected' }).click();
      await page.waitForURL(/\/admin\/imports\/[0-9a-f-]{36}$/);
      const loads = { count: 0 };
      page.on('load', () => loads.count++);
      await page.getByText('Finished').first().waitFor({ timeout: 60_000 });
      if (javaScriptEnabled) expect(loads.count, 'the page follows without reloading').to.be.at.most(1);
      await expectAccessible('import');
      const imported = await hub.context.documents.list(hub.admin);
      const titles = imported.documents.map(({ title }) => title).sort();
      expect(titles).to.deep.equal([
        'Booking System Outage.md',
        'Engine Room Flooding Drill.md',
        'Safety Management Policy.docx',
        'Severe Weather Policy.md',
        'Shore Power Changeover.md',
        'Ticket Machine Reset.txt',
      ]);

      await page.getByRole('link', { name: 'Search', exact: true }).click();
      await page.getByRole('searchbox').fill(FACT?.sentence ?? '');
      await page.getByRole('main').getByRole('button', { name: 'Search' }).click();
      const first = page.getByRole('main').locator('ol > li').first();
      expect(await first.innerText()).to.contain('Severe Weather Policy.md');
      expect((await first.innerText()).replaceAll(/\s+/g, ' ')).to.contain(FACT?.sentence);
      expect(await first.getByRole('link', { name: /Open at Google Drive/ }).getAttribute('href')).to.match(
        /^https?:\/\//,
      );
      await expectAccessible('search');
      await first
        .getByRole('link', { name: /Read the passage/ })
        .first()
        .click();
      await page.getByRole('heading', { level: 1, name: 'Severe Weather Policy.md' }).waitFor();
      expect(new URL(page.url()).hash).to.match(/^#chunk-\d+$/);
      await expectAccessible('document');
      await page.goto(`${hub.url}/admin/documents`);
      await expectAccessible('documents');

      await page.goto(`${hub.url}/admin/integrations`);
      await page.getByRole('link', { name: /^Disconnect/ }).click();
      await page.getByLabel('Delete them').check();
      await expectAccessible('disconnect');
      await page.getByRole('button', { name: 'Yes, disconnect' }).click();
      await page.getByText('6 documents deleted').waitFor();
      await page.goto(`${hub.url}/admin/documents`);
      await waitFor('an empty list', async () => !(await page.content()).includes('Severe Weather Policy.md'));
      expect((await hub.context.documents.facets(hub.admin)).total).to.equal(0);
      expect(hub.sandbox.google.state.revoked).to.have.length(1);
      expect(complaints).to.deep.equal([]);
    });
  });
