import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { fillSignIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { SERVICES } from '../helpers/grants.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';

withBrowser('a hub and vendors on different sites, in a browser', function () {
  this.timeout(120_000);
  let hub: TestHub;
  let browser: Browser;
  let page: Page;
  let origin: string;

  before(async () => {
    hub = await startHub();
    // Ports do not tell sites apart, names do: to a browser the stand-ins at 127.0.0.1 are strangers to a hub at localhost.
    origin = hub.url.replace('127.0.0.1', 'localhost');
    hub.context.config.baseUrl = origin;
    browser = await startBrowser();
    page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(15_000);
    await page.goto(origin);
    await fillSignIn(page, 'admin@example.com');
    await page.getByRole('link', { name: 'Connect an account' }).click();
    await page.getByRole('heading', { level: 1, name: 'Integrations' }).waitFor();
  });
  after(async () => {
    await browser?.close();
    await hub?.close();
  });

  const stripped = (header = ''): string[] => header.split('; ').map((cookie) => cookie.replace(/=.*/, ''));

  for (const service of SERVICES)
    it(`sends people to ${service} and takes them back signed in, with the account connected`, async () => {
      const [session] = await page.context().cookies();
      expect(session).to.include({ domain: 'localhost', httpOnly: true, sameSite: 'Lax' });
      // The control: a cookie that browsers leave behind when another site sends somebody here.
      await page.context().addCookies([{ name: 'strict', value: '1', url: origin, sameSite: 'Strict' }]);
      const returned = page.waitForRequest((request) => request.url().includes(`/${service}/callback`));

      await page.goto(`${origin}/admin/integrations`);
      const label = hub.context.providers.get(service)?.definition.label ?? '';
      await page.getByRole('button', { name: `Connect ${label}` }).click();
      await page.getByRole('button', { name: 'Allow' }).waitFor();
      expect(new URL(page.url()).hostname).to.equal('127.0.0.1');
      await page.getByRole('button', { name: 'Allow' }).click();

      await page.waitForURL(/\/admin\/integrations\/[0-9a-f-]{36}$/);
      expect(new URL(page.url()).origin).to.equal(origin);
      expect(stripped((await (await returned).allHeaders()).cookie)).to.deep.equal([session?.name]);
      const [integration] = (await hub.context.integrations.list(hub.admin)).filter((one) => one.platform === service);
      expect(page.url()).to.contain(integration?.id ?? 'no integration');
    });

  it('says that access was denied to whoever comes back from another site with that', async () => {
    await page.goto(`${origin}/admin/integrations`);
    await page
      .getByRole('button', { name: /^Connect/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Deny' }).click();
    await page.getByText('access was denied').waitFor();
    expect(page.url()).to.equal(`${origin}/admin/integrations`);
  });
});
