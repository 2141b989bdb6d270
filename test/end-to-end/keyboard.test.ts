import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { Browser, Locator, Page } from 'playwright-core';
import { paths } from '../../server/paths.ts';
import { startBrowser, withBrowser } from '../helpers/browser.ts';
import { mainKind, openTestDatabase } from '../helpers/database.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';

/** What has the focus: a name to recognise it by, and what a person who looks for it would miss. */
type Focus = { name: string; at: number; fault?: string } | undefined;

for (const javaScriptEnabled of [true, false])
  withBrowser(`without a mouse, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, function () {
    this.timeout(120_000);
    let hub: TestHub;
    let folder: string;
    let browser: Browser;
    let page: Page;
    before(async () => {
      folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
      for (const name of ['tides.txt', 'ferries.txt', 'lamps.txt'])
        await writeFile(path.join(folder, name), `The harbour opens at six: ${name}`);
      hub = await startHub({ database: await openTestDatabase(mainKind), filesDir: folder });
      browser = await startBrowser();
      const viewport = { width: 1440, height: 900 };
      const context = await browser.newContext({ javaScriptEnabled, viewport, baseURL: hub.url });
      page = await context.newPage();
      page.setDefaultTimeout(30_000);
    });
    after(async () => {
      await browser?.close();
      await hub?.close();
      await rm(folder, { recursive: true });
    });

    /** Every element that can have the focus carries its number after this; of the buttons of a radio group one does. */
    const number = (): Promise<string[]> =>
      page.evaluate<string[]>(`(() => {
      const all = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
        .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
        .filter((one) => one.type !== 'radio' || one.checked ||
          (!document.querySelector('[name="' + one.name + '"]:checked') && one === document.querySelector('[name="' + one.name + '"]')));
      all.forEach((one, at) => (one.dataset.at = at));
      return all.map((one) => one.outerHTML.slice(0, 120));
    })()`);

    const focused = (): Promise<Focus> =>
      page.evaluate<Focus>(`(() => {
      const one = document.activeElement;
      if (!one || one === document.body || one === document.documentElement) return undefined;
      const { left, top, width, height } = one.getBoundingClientRect();
      const style = getComputedStyle(one);
      const over = document.elementFromPoint(left + width / 2, top + height / 2);
      const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
      const inView = left >= 0 && top >= 0 && left + 1 < innerWidth && top + 1 < innerHeight;
      const covered = !over || !(one.contains(over) || over.contains(one) || over.closest('label') || one.getClientRects().length > 1);
      return {
        name: one.outerHTML.slice(0, 120),
        at: Number(one.dataset.at ?? -1),
        fault: !ring ? 'has no ring' : !inView ? 'is out of sight' : covered ? 'is covered by ' + (over ? over.outerHTML.slice(0, 120) : 'nothing') : undefined,
      };
    })()`);

    const shownName = (focus: Focus): string => (focus?.fault ? `${focus.name} ${focus.fault}` : '');

    /** Goes once through the whole page: everything that can be used has its turn, in the order of the page, in sight and with a ring. */
    async function walk(title: string): Promise<void> {
      await heading(title);
      const names = await number();
      const faults: string[] = [];
      const seen: number[] = [];
      for (let presses = 0; presses < names.length + 20; presses++) {
        await page.keyboard.press('Tab');
        const focus = await focused();
        // Between the end and the beginning the page itself has it.
        if (!focus) continue;
        if (seen.includes(focus.at)) break;
        seen.push(focus.at);
        faults.push(shownName(focus));
      }
      expect(faults.filter(Boolean), title).to.deep.equal([]);
      expect(
        names.filter((_, at) => !seen.includes(at)),
        `${title}: not reached`,
      ).to.deep.equal([]);
      const first = seen.indexOf(Math.min(...seen));
      const fromTheTop = [...seen.slice(first), ...seen.slice(0, first)];
      expect(fromTheTop, `${title}: the order`).to.deep.equal([...seen].sort((one, other) => one - other));
    }

    /** Presses the tabulator until it has the focus. */
    async function tabTo(target: Locator, key = 'Tab'): Promise<void> {
      // Its session is kept with the end of a page.
      await page.waitForLoadState();
      await target.waitFor();
      for (let presses = 0; presses < 150; presses++) {
        if (await target.evaluate((element) => element === element.ownerDocument.activeElement)) {
          expect(shownName(await focused())).to.equal('');
          return;
        }
        await page.keyboard.press(key);
      }
      throw new Error(`${String(target)} is not reached by ${key}`);
    }
    const press = async (target: Locator, key = 'Enter'): Promise<void> => {
      await tabTo(target);
      await page.keyboard.press(key);
    };
    const type = async (label: string, text: string): Promise<void> => {
      await tabTo(page.getByLabel(label, { exact: true }).and(page.locator('input')));
      await page.keyboard.press('Control+A');
      await page.keyboard.type(text);
    };
    const link = (name: string): Locator => page.getByRole('main').getByRole('link', { name });
    const button = (name: string): Locator => page.getByRole('button', { name });
    const heading = (name: string): Promise<void> =>
      page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    const says = (text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor();

    before('somebody signs in', async () => {
      await page.goto(paths.integrations);
      await walk('Sign in');
      await type('E-mail address', hub.admin.email);
      await type('Password', PASSWORD);
      await page.keyboard.press('Enter');
      await heading('Integrations');
    });

    /** What an import of all that the account holds begins with. */
    async function everything(): Promise<{ items: { integrationId: string; ref: string }[] }> {
      const [google] = await hub.context.integrations.list(hub.admin);
      const { items } = await hub.context.browse.list(hub.admin, google!.id, {});
      return { items: [{ integrationId: google!.id, ref: items.find(({ name }) => name === 'My Drive')!.ref }] };
    }

    it('an account is connected', async () => {
      await walk('Integrations');
      await press(page.locator('summary', { hasText: 'Set-up of Google Drive' }));
      await walk('Integrations');
      await press(button('Connect Google Drive'));
      await says('wants access to your Google Account');
      await press(button('Allow'));
      await says('Google Drive is connected');
      await walk('sandbox@tributary.example');
    });

    it('files are imported, failed ones tried again, and an import is cancelled', async () => {
      await press(link('Browse files'));
      await heading('Google Drive');
      await press(page.locator('#pick').getByRole('link', { name: 'My Drive', exact: true }));
      await press(page.getByRole('checkbox', { name: 'Select tides.txt' }), 'Space');
      await press(page.getByRole('checkbox', { name: 'Select lamps.txt' }), 'Space');
      hub.sandbox.google.state.failNext((asked) => asked.includes('alt=media'), { status: 404, body: {} });
      await press(button('Import selected'));
      await page.waitForURL(/\/admin\/imports\/[0-9a-f-]{36}$/);
      await page.locator('[data-import-status]', { hasText: 'Finished' }).waitFor();
      await page.reload();
      await walk('Import');
      await press(button('Try 1 failed item again'));
      await says('2 listed = 2 indexed');

      // Another one waits for the service, so that there is time to cancel it.
      const { integrations, imports, definitions, governor } = hub.context;
      const [google] = await integrations.list(hub.admin);
      const selected = await everything();
      await governor.pause(google!, definitions[0]!, { waitMs: 600_000 });
      const { id } = await imports.create(hub.admin, selected);
      await page.goto(paths.imports);
      await walk('Imports');
      await press(page.locator(`main a[href="${paths.import(id)}"]`));
      await page.waitForURL(`**${paths.import(id)}`);
      await press(link('Cancel import'));
      await walk('Cancel this import?');
      await press(button('Yes, cancel'));
      await says('Cancelled');
      await governor.forget(hub.context.database.knex, google!.id);
    });

    it('documents are ticked and changed together, and one is read and deleted', async () => {
      await finishedImport(hub, (await hub.context.imports.create(hub.admin, await everything())).id);
      await page.goto(paths.documents());
      await walk('Documents');
      await press(button('Change category'));
      await says('Tick at least one document, or choose all that match.');
      await press(page.getByRole('checkbox', { name: 'Select tides.txt' }), 'Space');
      await press(page.getByRole('checkbox', { name: 'Select lamps.txt' }), 'Space');
      await tabTo(button('Change category'), 'Shift+Tab');
      await page.keyboard.press('Enter');
      await heading('Change the category of 2 documents?');
      await walk('Change the category of 2 documents?');
      await type('New category', 'harbour');
      await press(button('Change category'));
      await says(/2 documents/);
      const inCategory = await hub.context.documents.facets(hub.admin, { category: 'harbour' });
      expect(inCategory.total).to.equal(2);
      await press(link('tides.txt'));
      await heading('tides.txt');
      await walk('tides.txt');
      await press(page.getByText('Technical details'));
      await press(page.getByText('Whole text, as it was read'));
      await press(link('Delete'));
      await heading('Delete this document?');
      await walk('Delete this document?');
      await press(button('Yes, delete'));
      await heading('Documents');
    });

    it('a user is invited, made an admin and disabled', async () => {
      await page.goto(paths.users);
      await walk('Users');
      await press(link('Member'));
      await heading('Member');
      await walk('Member');
      await press(page.getByRole('radio', { name: 'Member' }), 'ArrowDown');
      await press(button('Change role'));
      await says('Member is an admin.');
      await press(link('Disable…'));
      await walk('Disable this user?');
      await press(button('Yes, disable'));
      await says('Member is disabled');
      await walk('Member');
      await page.goto(paths.invitations);
      await walk('Invitations');
      await type('E-mail address', 'guest@example.com');
      await page.keyboard.press('Enter');
      await heading('Invitations');
      await says('The invitation for guest@example.com is ready');
      await walk('Invitations');
      await press(button('Withdraw'));
      await says('The invitation is withdrawn.');
    });

    it('the profile is changed, and an API token made and deleted', async () => {
      await page.goto(paths.overview);
      await walk('Overview');
      await press(page.locator('summary', { hasText: 'admin' }));
      await press(page.getByRole('link', { name: 'Your profile' }));
      await heading('Your profile');
      await walk('Your profile');
      await type('Your name', 'Harbour Master');
      await page.keyboard.press('Enter');
      await says('Your name is changed.');
      await page.goto(paths.tokens);
      await walk('API tokens');
      await type('Name', 'Scripts');
      await page.keyboard.press('Enter');
      await says('it is shown this once');
      await walk('API tokens');
      await press(link('Delete'));
      await walk('Delete this token?');
      await press(button('Yes, delete'));
      await heading('API tokens');
    });

    it('an account is disconnected with its documents', async () => {
      await page.goto(paths.integrations);
      await press(link('Disconnect').first());
      await heading('Disconnect Google Drive?');
      await walk('Disconnect Google Drive?');
      await press(page.getByRole('radio', { name: 'Keep them' }), 'ArrowDown');
      await press(button('Yes, disconnect'));
      await says('Google Drive is disconnected');
      expect((await hub.context.documents.facets(hub.admin)).total).to.equal(0);
    });
  });
