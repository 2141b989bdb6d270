import { expect } from 'chai';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { basic, SITES_ENV, startTokenSite, type TokenSite } from '../helpers/token-site.ts';
import { signInAs, type Visitor } from '../helpers/visitor.ts';

const FORM = '/admin/integrations/confluence/token';
const EMAIL = 'marit@example.com';
const TOKEN = 'ATATT-the-token-of-marit==';
const PERSONAL = 'the-personal-token-of-marit';
/** Confluence without an app, Jira with one. */
const APPS = {
  ATLASSIAN_CLIENT_ID: undefined,
  ATLASSIAN_CLIENT_SECRET: undefined,
  CONFLUENCE_CLIENT_ID: undefined,
  CONFLUENCE_CLIENT_SECRET: undefined,
  JIRA_CLIENT_ID: 'an app',
  JIRA_CLIENT_SECRET: 'its secret',
};

onOneDatabase('the page of a token', (open) => {
  let hub: TestHub;
  let site: TokenSite;
  let visitor: Visitor;
  before(async () => {
    hub = await startHub({ database: await open(), env: { ...SITES_ENV, ...APPS } });
    visitor = await signInAs(hub.url, 'admin@example.com');
  });
  after(() => hub.close());
  beforeEach(async () => {
    site = await startTokenSite();
    site.owners.set(basic(EMAIL, TOKEN), { accountId: 'marit', email: EMAIL });
    site.owners.set(`Bearer ${PERSONAL}`, { accountId: 'marit-here', displayName: 'Marit' });
  });
  afterEach(async () => {
    for (const { id } of await hub.context.integrations.list(hub.admin))
      await hub.context.integrations.disconnect(hub.admin, id, { documents: 'delete' });
    await site.close();
  });

  const list = () => hub.context.integrations.list(hub.admin);
  const connect = async (typed: Record<string, string> = {}) => {
    const page = await visitor.post(FORM, { baseUrl: site.url, email: EMAIL, apiToken: TOKEN, ...typed });
    const [integration] = await list();
    return { page, id: integration?.id ?? '' };
  };
  /** The part of the integrations page that is about one service. */
  const card = async (platform: string): Promise<string> => {
    const { html } = await visitor.get('/admin/integrations');
    return html.split('<section').find((part) => part.includes(`id="platform-${platform}"`)) ?? '';
  };

  it('is the main way where connecting by consent is not set up, and stands beside it where it is', async () => {
    const confluence = await card('confluence');
    expect(confluence).to.contain(`href="${FORM}"`).and.to.contain('with an API token');
    expect(confluence).to.contain('CONFLUENCE_CLIENT_ID').and.not.to.contain('action="/admin/integrations/connect');
    const jira = await card('jira');
    expect(jira).to.contain('action="/admin/integrations/connect/jira"').and.to.contain('Use an API token');
    expect(await card('dropbox')).not.to.contain('/token"');
  });

  it('has a tab for each kind of token, with its fields and where to make it', async () => {
    const first = await visitor.get(FORM);
    expect(first.status).to.equal(200);
    expect(first.html).to.match(/href="[^"]*form=api_token" aria-current="page"/);
    expect(first.html).to.contain('https://id.atlassian.com/manage-profile/security/api-tokens');
    for (const name of ['baseUrl', 'email', 'apiToken']) expect(first.html).to.contain(`name="${name}"`);
    const second = await visitor.get(`${FORM}?form=personal_access_token`);
    expect(second.html).to.match(/href="[^"]*form=personal_access_token" aria-current="page"/);
    expect(second.html).to.contain('name="personalAccessToken"').and.not.to.contain('name="email"');
    expect((await visitor.get('/admin/integrations/jira/token')).html).not.to.contain('class="tabs"');
  });

  it('connects the account and shows it, with its site and how it is connected', async () => {
    const { page, id } = await connect();
    expect(page).to.include({ status: 303, location: `/admin/integrations/${id}` });
    const shown = await visitor.get(page.location ?? '');
    expect(shown.html).to.contain(`Confluence is connected: ${EMAIL} at ${new URL(site.url).host}.`);
    expect(shown.html).to.contain(`href="${site.url}/wiki"`).and.to.contain('<dd>API token</dd>');
    expect(shown.html).to.contain('delete the token at Confluence');
    expect(await card('confluence')).to.contain('Connect another Confluence account with an API token');
  });

  it('connects with the other kind of token', async () => {
    const page = await visitor.post(`${FORM}?form=personal_access_token`, {
      baseUrl: site.url,
      personalAccessToken: PERSONAL,
    });
    expect(page.status).to.equal(303);
    expect((await list()).map(({ method }) => method)).to.deep.equal(['personal_access_token']);
  });

  it('comes back with what is wrong on top and beside the field, and with all that was typed but the token', async () => {
    const { page } = await connect({ apiToken: 'ATATT-wrong' });
    expect(page.status).to.equal(422);
    expect(page.html).to.contain('<title>Error:').and.to.contain('href="#apiToken"');
    expect(page.html).to.contain('id="apiToken-error"').and.to.contain('aria-invalid="true"');
    expect(page.html).to.contain(`value="${site.url}"`).and.to.contain(`value="${EMAIL}"`);
    expect(page.html).not.to.contain('ATATT-wrong');
    const empty = await visitor.post(FORM, {});
    expect(empty.html).to.contain('There are 3 problems');
    expect(await list()).to.deep.equal([]);
  });

  it('says what is no fault of what was typed above the form, which keeps it', async () => {
    await site.close();
    const { page } = await connect();
    expect(page.status).to.equal(502);
    expect(page.html).to.contain('id="error-summary"').and.to.contain(`value="${EMAIL}"`);
    expect(page.html).not.to.contain(TOKEN);
  });

  it('takes nothing from a form of another site', async () => {
    const page = await visitor.post(FORM, { _csrf: 'forged', baseUrl: site.url, email: EMAIL, apiToken: TOKEN });
    expect(page.status).to.equal(403);
    expect(site.requests).to.deep.equal([]);
  });

  it('reconnects an account whose token was refused, its address filled in', async () => {
    const { id } = await connect();
    site.owners.clear();
    await hub.context.browse.list(hub.admin, id, {}).catch(() => undefined);
    expect(await card('confluence'))
      .to.contain('Make a new token there')
      .and.to.contain(`integration=${id}`);
    const href = `${FORM}?integration=${id}`;
    expect((await visitor.post(`/admin/integrations/${id}/reconnect`)).location).to.equal(href);
    const page = await visitor.get(href);
    expect(page.html).to.contain('Reconnect Confluence').and.to.contain(`value="${site.url}/wiki"`);
    expect(page.html).to.contain(`value="${EMAIL}"`).and.not.to.contain('class="tabs"');

    site.owners.set(basic(EMAIL, 'another-token'), { accountId: 'somebody', email: EMAIL });
    const other = await visitor.post(href, { baseUrl: site.url, email: EMAIL, apiToken: 'another-token' });
    expect(other.status).to.equal(400);
    expect(other.html).to.contain('this integration belongs to').and.to.contain('Reconnect Confluence');
    site.owners.set(basic(EMAIL, TOKEN), { accountId: 'marit', email: EMAIL });
    const done = await visitor.post(href, { baseUrl: site.url, email: EMAIL, apiToken: TOKEN });
    expect(done.location).to.equal(`/admin/integrations/${id}`);
    expect((await list())[0]).to.include({ id, status: 'active' });
  });

  it('is not found for another’s account, an unknown kind, and services without tokens', async () => {
    const { id } = await connect();
    const member = await signInAs(hub.url, 'member@example.com');
    const typed = { baseUrl: site.url, email: EMAIL, apiToken: TOKEN };
    expect((await member.get(`${FORM}?integration=${id}`)).status).to.equal(404);
    expect((await member.post(`${FORM}?integration=${id}`, typed)).status).to.equal(404);
    expect((await visitor.get(`/admin/integrations/jira/token?integration=${id}`)).status).to.equal(404);
    for (const path of [`${FORM}?form=password`, '/admin/integrations/dropbox/token', '/admin/integrations/fax/token'])
      expect((await visitor.get(path)).status, path).to.equal(404);
  });

  it('is followed at the end by a word on where the token itself is deleted', async () => {
    const { id } = await connect();
    const question = await visitor.get(`/admin/integrations/${id}/disconnect`);
    expect(question.html).to.contain('the token lives on until you delete it there');
    const done = await visitor.post(`/admin/integrations/${id}/disconnect`, { documents: 'keep' });
    const page = await visitor.get(done.location ?? '');
    expect(page.html).to.contain('its token is deleted here');
    expect(page.html).to.contain('href="https://id.atlassian.com/manage-profile/security/api-tokens"');
  });
});
