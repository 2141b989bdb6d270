import { expect } from 'chai';
import type { Browser, Locator, Page } from 'playwright-core';
import { ProviderError } from '../../providers/errors.ts';
import { accessibilityFaults, complaintsOf, startBrowser, withBrowser } from '../helpers/browser.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';
import { connectScripted, createScriptedProvider, type ScriptedProvider } from '../helpers/scripted-provider.ts';
import { waitFor } from '../helpers/wait.ts';

withBrowser('the browser of accounts, by the keyboard', function () {
  this.timeout(120_000);
  let hub: TestHub;
  let provider: ScriptedProvider;
  let browser: Browser;
  let page: Page;
  let complaints: string[];
  before(async () => {
    hub = await startHub();
    provider = createScriptedProvider({
      roots: [{ name: 'Ferries', below: [{ name: 'Winter', below: [{ name: 'Ice', text: 'None.' }] }] }],
      listsDeep: true,
      pageSize: 100,
    });
    await connectGoogle(hub, hub.admin);
    await connectScripted(hub, provider, hub.admin);
    browser = await startBrowser();
    page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
    page.setDefaultTimeout(15_000);
    complaints = complaintsOf(page);
  });
  after(async () => {
    await browser?.close();
    await hub?.close();
  });

  const isFocused = (target: Locator): Promise<boolean> =>
    target.evaluate((element) => element === element.ownerDocument.activeElement);
  /** Presses the tabulator until it has the focus. */
  async function tabTo(target: Locator, key = 'Tab'): Promise<void> {
    await target.waitFor({ state: 'attached' });
    for (let presses = 0; presses < 150; presses++) {
      if (await isFocused(target)) return;
      await page.keyboard.press(key);
    }
    throw new Error(`${String(target)} is not reached by ${key}`);
  }
  const box = (name: string): Locator => page.getByRole('checkbox', { name: `Select ${name}`, exact: true });
  const selected = (text: string): Promise<void> => page.locator('.basket__count', { hasText: text }).waitFor();
  const tree = () => page.getByRole('navigation', { name: 'Accounts and folders' });
  const branch = (name: string) => tree().getByRole('button', { name: `Folders in ${name}`, exact: true });

  async function expectAccessible(what: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await accessibilityFaults(page), `${what}, ${colorScheme}`).to.deep.equal([]);
    }
  }

  it('shows an account while another one is slow to answer', async () => {
    const [google] = (await hub.context.integrations.list(hub.admin)).filter(
      ({ platform }) => platform !== 'confluence',
    );
    const roots = provider.roots.bind(provider);
    let answer = () => {};
    provider.roots = (connection) => new Promise((resolve) => (answer = () => resolve(roots(connection))));
    const next = encodeURIComponent(`/admin/browse?integration=${google?.id}`);
    await page.goto(`${hub.url}/sign-in?next=${next}`);
    await tabTo(page.getByLabel('E-mail address'));
    await page.keyboard.type('admin@example.com');
    await tabTo(page.getByLabel('Password'));
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Google Drive' }).waitFor();
    await tree().getByText('Loading…').waitFor();
    expect(await tree().getByRole('link', { name: 'My Drive' }).isVisible()).to.equal(true);
    provider.roots = roots;
    answer();
    await tree().getByRole('link', { name: 'Ferries' }).waitFor();
  });

  it('opens folders, ticks a range, previews a file and gets to the review', async () => {
    await page.goto(`${hub.url}/admin/browse`);
    await page.getByRole('heading', { level: 1, name: 'Browse' }).waitFor();
    await expectAccessible('the top');

    await tabTo(box('Operations'));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Operations' }).waitFor();
    await tabTo(page.locator('tbody input[name=item]').first());
    for (let rows = 0; rows < 20 && !(await isFocused(box('Policies'))); rows++) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Policies' }).waitFor();

    await tabTo(box('Alcohol and Drug Policy.pdf'));
    await page.keyboard.press('Space');
    await selected('1 item');
    for (const expected of ['2 items', '3 items']) {
      await page.keyboard.press('Shift+ArrowDown');
      await selected(expected);
    }
    await page.keyboard.press('Shift+ArrowDown');
    await selected('4 items');
    await page.keyboard.press('Shift+ArrowUp');
    await selected('3 items');
    expect(await box('Severe Weather Policy.md').isChecked()).to.equal(false);
    expect(await isFocused(box('Safety Management Policy.docx'))).to.equal(true);
    expect(await page.getByRole('checkbox', { name: 'Select all on this page' }).isChecked()).to.equal(false);

    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const pane = page.getByRole('region', { name: 'Preview' });
    await pane.getByText('The strait between Otterhaven').waitFor();
    await waitFor('the focus in the preview', () => isFocused(pane.getByRole('heading', { level: 2 })));
    expect(await pane.innerText())
      .to.contain('Operations / Policies')
      .and.to.match(/Markdown, \d+ passages/);
    await expectAccessible('a folder with the preview beside it');
    await page.keyboard.press('Escape');
    await waitFor('the focus back in the list', () => isFocused(page.getByRole('link', { name: /^Preview Severe/ })));

    await tabTo(page.getByRole('button', { name: 'Review and import' }));
    await page.keyboard.press('Enter');
    await page.getByText('3 selected items of 1 account').waitFor();
    expect(complaints).to.deep.equal([]);
  });

  it('ticks and unticks a range with shift and space, and with shift and a click', async () => {
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Policies' }).waitFor();
    await page.getByRole('button', { name: 'Clear selection' }).click();
    await selected('0 items');
    await box('Alcohol and Drug Policy.pdf').focus();
    await page.keyboard.press('Space');
    await selected('1 item');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Shift+Space');
    await selected('4 items');
    await box('Dangerous Goods Policy.docx').click({ modifiers: ['Shift'] });
    await selected('1 item');
    expect(await box('Alcohol and Drug Policy.pdf').isChecked()).to.equal(true);
    expect(complaints).to.deep.equal([]);
  });

  it('shows every account’s folders in the tree, and a branch that fails costs no other', async () => {
    await branch('Harbour Wiki').waitFor();
    await tree().getByRole('link', { name: 'Ferries' }).waitFor();
    expect(await tree().locator('[aria-current=page]').innerText()).to.contain('Policies');
    provider.failNext('list', 'Ferries', new ProviderError('transient', 'confluence', 'Harbour Wiki is away.'));
    await branch('Ferries').focus();
    await page.keyboard.press('Enter');
    await tree().getByText('Harbour Wiki is away.').waitFor();
    expect(await tree().getByRole('link', { name: 'My Drive' }).isVisible()).to.equal(true);
    await tabTo(tree().getByRole('link', { name: 'Try again' }));
    await page.keyboard.press('Enter');
    await tree().getByRole('link', { name: 'Winter' }).waitFor();
    expect(await branch('Ferries').getAttribute('aria-expanded')).to.equal('true');
    await tree().getByRole('link', { name: 'All of Operations' }).click();
    await tree().getByRole('link', { name: 'Runbooks' }).waitFor();
    expect(await tree().locator('[aria-current=page]').innerText()).to.contain('Policies');
    await expectAccessible('a folder with the tree open');
    expect(complaints).to.deep.equal([]);
  });

  it('keeps what was opened and closed for the next page, and asks vendors once a minute', async () => {
    await branch('Google Drive').click();
    const listed = provider.asked.lists.length;
    await page.goto(`${hub.url}/admin/browse`);
    await tree().getByRole('link', { name: 'Winter' }).waitFor();
    expect(provider.asked.lists.length).to.equal(listed);
    expect(await branch('Google Drive').getAttribute('aria-expanded')).to.equal('false');
    expect(await tree().getByRole('link', { name: 'My Drive' }).isVisible()).to.equal(false);
    expect(complaints).to.deep.equal([]);
  });

  it('is as good on a phone, where previews open as pages', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${hub.url}/admin/browse`);
    await page.getByRole('link', { name: 'Operations', exact: true }).last().click();
    await page.getByRole('link', { name: 'Policies', exact: true }).last().click();
    await page.getByRole('heading', { level: 1, name: 'Policies' }).waitFor();
    expect(await tree().getByRole('link', { name: 'My Drive' }).isVisible()).to.equal(false);
    await expectAccessible('a folder on a phone');
    await page.getByRole('link', { name: 'Changed', exact: true }).click();
    await page.waitForURL(/sort=-modified/);
    await page.getByRole('link', { name: 'Preview Severe Weather Policy.md' }).click();
    await page.getByRole('heading', { level: 1, name: 'Severe Weather Policy.md' }).waitFor();
    await expectAccessible('the page of a preview');
    await page.getByRole('link', { name: 'Back to the list' }).click();
    await page.waitForURL(/sort=-modified/);
    expect(complaints).to.deep.equal([]);
  });
});
