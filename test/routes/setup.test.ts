import { expect } from 'chai';
import { accessibilityFaults, openSignedIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';

onOneDatabase('the page of the set-up', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  before(async () => {
    hub = await startHub({
      database: await open(),
      env: { DROPBOX_APP_KEY: undefined, DROPBOX_APP_SECRET: undefined },
    });
    visitor = await signInAs(hub.url, hub.admin.email);
  });
  after(() => hub.close());

  /** What stands in the card of a service. */
  const card = (html: string, platform: string): string =>
    textOf(new RegExp(`<section class="card" id="${platform}".*?</section>`, 's').exec(html)?.[0] ?? '');

  it('says of each service what is set, what is missing, and what to register where', async () => {
    const { html } = await visitor.get('/admin/setup');
    const google = card(html, 'google_drive');
    expect(google).to.contain('Set up').and.to.contain('Set GOOGLE_CLIENT_ID , GOOGLE_CLIENT_SECRET');
    expect(google).to.contain(`${hub.url}/api/v1/integrations/google_drive/callback`);
    expect(google).to.contain('https://www.googleapis.com/auth/drive.readonly').and.to.contain('docs/google-drive.md');
    expect(html).to.contain('href="https://console.cloud.google.com/"');
    const dropbox = card(html, 'dropbox');
    expect(dropbox).to.contain('Not set up').and.to.contain('Missing DROPBOX_APP_KEY , DROPBOX_APP_SECRET');
    expect((await visitor.get('/admin/integrations')).html).to.contain('href="/admin/setup#dropbox"');
    expect(card(html, 'jira')).to.contain('Connect with an API token');
  });

  it('has its help of each service where accounts are connected, too', async () => {
    const { html } = await visitor.get('/admin/integrations');
    const dropbox = new RegExp('aria-labelledby="platform-dropbox".*?</section>', 's').exec(html)?.[0] ?? '';
    expect(textOf(dropbox))
      .to.contain('Register this hub at Dropbox, set DROPBOX_APP_KEY and DROPBOX_APP_SECRET , and start the hub again.')
      .and.to.contain(`Redirect URI to register ${hub.url}/api/v1/integrations/dropbox/callback Copy`)
      .and.to.contain('Reads the files you import. Nothing is changed. files.content.read')
      .and.to.contain('docs/dropbox.md');
    expect(dropbox).to.contain('href="https://www.dropbox.com/developers/apps"');
    const jira = (await visitor.get('/admin/integrations/jira/token')).html;
    expect(textOf(jira)).to.contain('Or connect by consent').and.to.contain('read:jira-work');
    expect(jira).to.contain(`id="redirect-jira">${hub.url}/api/v1/integrations/jira/callback<`);
    const member = await signInAs(hub.url, hub.member.email);
    const asked = textOf((await member.get('/admin/integrations')).html);
    expect(asked)
      .to.contain('The operator of this hub sets DROPBOX_APP_KEY and DROPBOX_APP_SECRET and registers')
      .and.not.to.contain('Scopes to tick');
    expect((await member.get('/admin/integrations/jira/token')).html).not.to.contain('redirect-jira');
  });

  it('has the findings of the command-line checker', async () => {
    const text = textOf((await visitor.get('/admin/setup')).html);
    expect(text).to.contain('configuration In order test, role all');
    expect(text).to.contain('schema In order is up to date').and.to.contain('sessions In order in the database');
    expect(text).to.contain('INTEGRATION_ENCRYPTION_KEY In order 1 key');
  });

  it('names how many people can no longer sign in, since their service was switched off', async () => {
    const { knex } = hub.context.database;
    const shutOut = async () =>
      /ways in[^.]*?(\d+ users? ha\w+ neither a password)/.exec(textOf((await visitor.get('/admin/setup')).html))?.[1];
    expect(await shutOut()).to.equal(undefined);
    const { password_hash } = (await knex('users').where({ id: hub.member.id }).first('password_hash')) as {
      password_hash: string;
    };
    await knex('users').where({ id: hub.member.id }).update({ password_hash: null });
    await hub.context.identities.link(hub.member, {
      provider: 'google',
      subject: '7',
      email: hub.member.email,
      emailVerified: true,
      emailAuthoritative: true,
    });
    expect(await shutOut()).to.equal('1 user has neither a password');
    hub.context.config.sso.google = { clientId: 'id' } as never;
    expect(await shutOut()).to.equal(undefined);
    hub.context.config.sso.google = undefined;
    await knex('users').where({ id: hub.member.id }).update({ password_hash });
  });

  it('asks the other servers only when it is told to, and keeps what they said', async () => {
    expect(textOf((await visitor.get('/admin/setup')).html)).not.to.contain('built in, 1024 dimensions');
    const asked = await visitor.post('/admin/setup');
    expect([asked.status, asked.location]).to.deep.equal([303, '/admin/setup#connections']);
    const text = textOf((await visitor.get('/admin/setup')).html);
    expect(text)
      .to.match(/embedder In order lexical[^ ]*, built in/)
      .and.to.contain('mail In order is not sent');
  });

  it('says whether services can reach the address of the hub', async () => {
    const { config } = hub.context;
    const { baseUrl } = config;
    const { apiUrl } = config.google;
    config.google.apiUrl = 'https://www.googleapis.com';
    try {
      expect(card((await visitor.get('/admin/setup')).html, 'google_drive')).to.contain(
        'Google Drive calls public https addresses only',
      );
      config.baseUrl = 'https://hub.example.com';
      expect(card((await visitor.get('/admin/setup')).html, 'google_drive')).to.contain(
        'Google Drive can call this hub',
      );
    } finally {
      config.baseUrl = baseUrl;
      config.google.apiUrl = apiUrl;
    }
  });

  it('prints no secret', async () => {
    const { config } = hub.context;
    const secrets = [
      ...config.encryptionKeys,
      ...config.sessionSecrets,
      config.google.clientSecret,
      config.microsoft.clientSecret,
      config.jira.clientSecret,
    ].flatMap((secret) => secret?.reveal() ?? []);
    expect(secrets).to.have.length.above(3);
    await visitor.post('/admin/setup');
    const { html } = await visitor.get('/admin/setup');
    for (const secret of secrets) expect(html).not.to.contain(secret);
  });

  it('is for admins, and linked for them alone', async () => {
    expect((await visitor.get('/admin/integrations')).html).to.contain('href="/admin/setup"');
    const member = await signInAs(hub.url, hub.member.email);
    expect((await member.get('/admin/setup')).status).to.equal(403);
    expect((await member.post('/admin/setup')).status).to.equal(403);
    expect((await member.get('/admin/integrations')).html).not.to.contain('/admin/setup');
  });

  withBrowser('in a browser', () => {
    it('copies a redirect URI, and is accessible in light and dark', async () => {
      const browser = await startBrowser();
      try {
        const page = await openSignedIn(browser, hub.url, hub.admin.email, {
          permissions: ['clipboard-read', 'clipboard-write'],
        });
        await page.goto('/admin/setup');
        await page.getByRole('button', { name: 'Ask them now' }).click();
        await page.getByRole('button', { name: 'Ask again' }).waitFor();
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await page.goto('/admin/setup');
          expect(await accessibilityFaults(page), colorScheme).to.deep.equal([]);
        }
        await page.getByRole('button', { name: 'Copy the redirect URI of Jira' }).click();
        await page.getByText('Copied').waitFor();
        expect(await page.evaluate('navigator.clipboard.readText()')).to.equal(
          `${hub.url}/api/v1/integrations/jira/callback`,
        );
        for (const [address, summary] of [
          ['/admin/integrations', 'How to set up Dropbox'],
          ['/admin/integrations/jira/token', 'How to set it up'],
        ] as const) {
          await page.goto(address);
          await page.getByText(summary).click();
          await page.getByRole('heading', { name: 'Redirect URI to register' }).waitFor();
          expect(await accessibilityFaults(page), address).to.deep.equal([]);
        }
      } finally {
        await browser.close();
      }
    });
  });
});
