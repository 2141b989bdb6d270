import { expect } from 'chai';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { paths } from '../../server/paths.ts';
import {
  accessibilityFaults,
  complaintsOf,
  fillSignIn,
  openSignedIn,
  startBrowser,
  withBrowser,
} from '../helpers/browser.ts';
import { mainKind, openTestDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { apiRoutesOf } from '../helpers/routes.ts';

withBrowser('the reference of the API', function () {
  this.timeout(120_000);
  let hub: TestHub;
  let browser: Browser;
  before(async () => {
    hub = await startHub({ database: await openTestDatabase(mainKind) });
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await hub?.close();
  });

  const openPage = async (options: BrowserContextOptions = {}): Promise<Page> =>
    (await browser.newContext({ baseURL: hub.url, ...options })).newPage();
  const open = async (page: Page) => {
    await page.goto(paths.reference);
    await page.locator('.opblock').first().waitFor();
  };
  /** Unfolds a call and makes it ready to be tried. */
  async function tryOut(page: Page, name: string) {
    const call = page.locator(`.opblock[id$="-${name}"]`);
    await call.locator('.opblock-summary-control').click();
    await call.getByRole('button', { name: 'Try it out' }).click();
    return {
      call,
      /** Sends it. Gives status and body of the answer. */
      async execute() {
        const answered = page.waitForResponse((response) => new URL(response.url()).pathname.startsWith('/api/v1/'));
        await call.getByRole('button', { name: 'Execute' }).click();
        const response = await answered;
        await call.locator('.live-responses-table .response').first().waitFor();
        return { status: response.status(), body: (await response.json()) as Record<string, unknown> };
      },
    };
  }

  it('lists every call to anybody, also without JavaScript', async () => {
    const page = await openPage({ javaScriptEnabled: false });
    expect((await page.goto(paths.reference))?.status()).to.equal(200);
    const calls = (await page.locator('#calls dt').allInnerTexts()).map((text) => text.replace(/\{\w+\}/g, '{}'));
    const answered = apiRoutesOf(hub.context).map(({ method, pattern }) =>
      `${method} ${pattern}`.replace(/:\w+/g, '{}'),
    );
    expect(calls.sort()).to.deep.equal([...new Set(answered)].sort());
    expect(await page.locator('#calls').innerText())
      .to.include('Ask a question.')
      .and.include('Admins only.')
      .and.include('Best first.');
    await page.context().close();
  });

  it('shows them in full in a browser, accessible in light and dark with a call unfolded', async () => {
    const page = await openPage();
    const complaints = complaintsOf(page);
    await open(page);
    const described = apiRoutesOf(hub.context).map(({ method, pattern }) => `${method} ${pattern}`);
    expect(await page.locator('.opblock').count()).to.equal(new Set(described).size);
    expect(await page.locator('#calls').count()).to.equal(0);
    await tryOut(page, 'importFiles');
    await page.locator('.btn.authorize').click();
    await page.getByRole('heading', { name: 'Available authorizations' }).waitFor();
    expect(await page.locator('.dialog-ux').innerText()).not.to.include('cookie');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.locator(colorScheme === 'dark' ? 'html.dark-mode' : 'html:not(.dark-mode)').waitFor();
      expect(await accessibilityFaults(page), colorScheme).to.deep.equal([]);
    }
    await page.getByRole('button', { name: 'Close', exact: true }).first().click();
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate<number>('document.documentElement.scrollWidth')).to.be.at.most(390);
    expect(complaints).to.deep.equal([]);
    await page.context().close();
  });

  it('tries calls out by the session of a signed-in user', async () => {
    const page = await openSignedIn(browser, hub.url, hub.member.email);
    const complaints = complaintsOf(page);
    await page.goto(paths.tokens);
    await page.getByRole('link', { name: 'API reference' }).click();
    await page.locator('.opblock').first().waitFor();
    const create = await tryOut(page, 'createToken');
    await create.call.getByLabel('Request body').fill('{"name": "made on the page"}');
    const made = await create.execute();
    expect([made.status, made.body.name]).to.deep.equal([201, 'made on the page']);
    expect((await hub.context.tokens.list(hub.member)).map(({ name }) => name)).to.deep.equal(['made on the page']);
    const list = await (await tryOut(page, 'listTokens')).execute();
    expect(list.status).to.equal(200);
    expect(complaints).to.deep.equal([]);
    await page.context().close();
  });

  it('tries calls out by a token that is entered', async () => {
    const page = await openPage();
    await open(page);
    const list = await tryOut(page, 'listUsers');
    expect((await list.execute()).status).to.equal(401);
    await page.locator('.btn.authorize').first().click();
    await page.locator('.dialog-ux input').fill(await hub.token(hub.admin));
    await page.getByRole('button', { name: 'Apply credentials' }).click();
    await page.locator('.dialog-ux .btn-done').click();
    const { status, body } = await list.execute();
    expect(status).to.equal(200);
    expect(JSON.stringify(body.users)).to.include('admin@example.com');
    await page.context().close();
  });

  it('is where a person comes back to after signing in', async () => {
    const page = await openPage();
    await open(page);
    await page.getByRole('link', { name: 'sign in' }).click();
    await fillSignIn(page, hub.member.email);
    expect(new URL(page.url()).pathname).to.equal(paths.reference);
    await page.context().close();
  });

  it('loads its files once, for as long as they are the same', async () => {
    const html = await (await fetch(hub.url + paths.reference)).text();
    const files = [...html.matchAll(/\/docs\/[\w.-]+\?v=[\d.]+/g)].map(([address]) => address);
    expect(files).to.have.length(2);
    for (const file of files) {
      const response = await fetch(hub.url + file);
      expect(response.status, file).to.equal(200);
      expect(response.headers.get('cache-control'), file).to.equal('public, max-age=31536000, immutable');
      expect((await response.text()).length, file).to.be.above(100_000);
    }
  });
});
