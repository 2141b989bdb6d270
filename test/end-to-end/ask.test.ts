import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { paths } from '../../server/paths.ts';
import { accessibilityFaults, complaintsOf, openSignedIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { startChatServer, type ChatServer } from '../helpers/chat-server.ts';
import { mainKind, openTestDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';

import { waitFor } from '../helpers/wait.ts';
import { addDocument } from '../index/passages.ts';

const QUESTION = 'When does the first ferry to Skerry leave in winter?';

withBrowser('asking in a browser', function () {
  this.timeout(120_000);
  let hub: TestHub;
  let chat: ChatServer;
  let browser: Browser;
  let page: Page;
  let faults: string[];
  const asked: string[] = [];

  before(async () => {
    chat = await startChatServer();
    hub = await startHub({ env: chat.env, database: await openTestDatabase(mainKind) });
    await addDocument(
      hub.context.database,
      hub.context.index,
      hub.admin.id,
      ['The first ferry to Skerry leaves at 07:40 in winter. <img src=x onerror=alert(1)> Dogs travel free.'],
      { title: 'Timetable.md' },
    );
    browser = await startBrowser();
    page = await openSignedIn(browser, hub.url, hub.admin.email);
    faults = complaintsOf(page);
    page.on('request', (request) => asked.push(request.url()));
  });
  after(async () => {
    await browser?.close();
    await hub?.close();
    await chat?.close();
  });
  beforeEach(() => {
    chat.requests.length = 0;
    chat.reply = () =>
      'The first ferry leaves at 07:40 in winter [1]. ![x](https://evil.example/a.png?d=1) <img src=//evil.example/b> is here [1]. Dogs travel free [1].';
  });

  it('shows the answer as it comes, with its sources in the end, and asks nobody else', async () => {
    await page.goto(`${hub.url}${paths.search()}`);
    await page.fill('#q', QUESTION);
    chat.msPerWord = 40;
    await page.getByRole('button', { name: 'Ask' }).click();
    const text = page.locator('[data-ask-text]');
    await waitFor('the first sentence', async () => (await text.textContent())?.includes('07:40'));
    expect(await text.getAttribute('aria-live')).to.equal('polite');
    await page.locator('.citation').first().waitFor();
    expect(new URL(page.url()).searchParams.get('ask')).to.equal(QUESTION);
    expect(await page.locator('[data-ask-said]').textContent()).to.match(/^Answer: \d sources?\.$/);
    expect(await page.locator('.answer img, .answer script').count()).to.equal(0);
    expect(await text.isVisible()).to.equal(false);

    await page.locator('.cite').first().click();
    expect(page.url()).to.match(/#source-1$/);
    expect(await page.locator('.citation').count()).to.be.greaterThan(0);
    expect(await accessibilityFaults(page)).to.deep.equal([]);

    await page.getByRole('link', { name: 'Read the passage' }).first().click();
    await page.locator('.chunk:target').waitFor();
    expect(asked.filter((url) => !url.startsWith(hub.url))).to.deep.equal([]);
    expect(faults).to.deep.equal([]);
  });

  it('is asked and copied without a mouse', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(`${hub.url}${paths.search()}`);
    expect(await page.evaluate('document.activeElement.id')).to.equal('q');
    await page.keyboard.type(QUESTION);
    await page.keyboard.press('Control+Enter');
    const copy = page.getByRole('button', { name: 'Copy' });
    await copy.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    expect(copied)
      .to.match(/^The first ferry leaves at 07:40 in winter/)
      .and.to.contain('Dogs travel free');
  });

  it('stops when it is told to, and leaves the model', async () => {
    await page.goto(`${hub.url}${paths.search()}`);
    await page.fill('#q', QUESTION);
    chat.planned.push('stalls');
    await page.getByRole('button', { name: 'Ask' }).click();
    await waitFor('the request', () => chat.requests.length === 1);
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('Stopped.').waitFor();
    await waitFor('the model to be left', () => chat.requests[0]?.left === true);
    expect(faults).to.deep.equal([]);
  });

  it('goes back to what was shown before', async () => {
    chat.msPerWord = 0;
    await page.goto(`${hub.url}${paths.search({ q: 'dogs' })}`);
    await page.fill('#q', QUESTION);
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.locator('.citation').first().waitFor();
    await page.goBack();
    await page.locator('.results').waitFor();
    expect(await page.inputValue('#q')).to.equal('dogs');
  });
});
