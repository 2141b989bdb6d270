import { expect } from 'chai';
import { createAtlassianClient } from '../../providers/atlassian/client.ts';
import { isDataCenter } from '../../providers/atlassian/sites.ts';
import { createTokenConnect, type TokenProduct } from '../../providers/atlassian/token-connection.ts';
import { ProviderError, TypedError } from '../../providers/errors.ts';
import { parseConfig } from '../../server/config.ts';
import { EgressError } from '../../server/egress/egress.ts';
import { connectionTo, GATEWAY, vendorWith, wiki, type Answer, type Sent } from './atlassian-script.ts';

const config = parseConfig({}).confluence;
const tokenWiki: TokenProduct = {
  ...wiki,
  cloud: { user: '/wiki/rest/api/user/current', root: '/wiki', scope: 'read:confluence-user' },
  server: { user: '/rest/api/user/current', pages: ['display', 'pages', 'spaces', 'rest'] },
};
const tracker: TokenProduct = {
  ...wiki,
  platform: 'jira',
  label: 'Jira',
  cloud: { user: '/rest/api/3/myself', root: '', scope: 'read:jira-user' },
};

describe('connecting to Atlassian by token', () => {
  const HERE = 'https://acme.atlassian.net';
  const ME = `${HERE}/wiki/rest/api/user/current`;
  const ann = { type: 'known', accountId: '712020:ann', email: 'ann@acme.test', displayName: 'Ann' };
  const typed = { baseUrl: HERE, email: 'ann@acme.test', apiToken: 'ATATT3x=A+/==' };
  const basic = `Basic ${Buffer.from('ann@acme.test:ATATT3x=A+/==').toString('base64')}`;
  const tenant = { [`${HERE}/_edge/tenant_info`]: { body: { cloudId: 'cloud-1' } } };

  const connect = (
    answers: Record<string, Answer | Error>,
    given: Record<string, string> = typed,
    form = 'api_token',
    product = tokenWiki,
  ) => {
    const { fetch, sent } = vendorWith(answers);
    const withToken = createTokenConnect(config, product, createAtlassianClient(product).failures);
    return { sent, connected: withToken(form, given, fetch) };
  };
  const refusal = async (...parameters: Parameters<typeof connect>): Promise<{ error: Error; sent: Sent[] }> => {
    const { connected, sent } = connect(...parameters);
    const error: unknown = await connected.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(Error);
    expect((error as Error).message)
      .to.match(/^.*\.$/u)
      .and.not.to.contain('ATATT');
    return { error: error as Error, sent };
  };

  it('asks whose token it is, and keeps it byte for byte', async () => {
    const { connected, sent } = connect({ [ME]: { body: ann } });
    const { accessToken, account, site } = await connected;
    expect(sent).to.deep.equal([{ url: ME, authorization: basic }]);
    expect(`Basic ${accessToken.reveal()}`).to.equal(basic);
    expect(account).to.deep.equal({ id: 'acme.atlassian.net:712020:ann', email: 'ann@acme.test', name: 'Ann' });
    expect(site).to.deep.equal({ url: `${HERE}/wiki`, apiUrl: HERE });
    expect(isDataCenter(connectionTo(globalThis.fetch, { site }))).to.equal(false);
  });

  it('finds the site in whatever address of it was pasted', async () => {
    for (const baseUrl of [
      'acme.atlassian.net',
      ' https://acme.atlassian.net/ ',
      'http://acme.atlassian.net/wiki',
      'HTTPS://ACME.ATLASSIAN.NET/WIKI/',
      'https://acme.atlassian.net/wiki/spaces/DOC/pages/98432/Q3+plan?focusedCommentId=1#comment-1',
      'acme.atlassian.net/jira/software/projects/EX/boards/1',
    ]) {
      const { site } = await connect({ [ME]: { body: ann } }, { ...typed, baseUrl }).connected;
      expect(site.url, baseUrl).to.equal(`${HERE}/wiki`);
    }
  });

  it('says what is wrong with an address, and asks nobody', async () => {
    for (const baseUrl of [
      '',
      'acme',
      'not an address',
      'ftp://acme.atlassian.net',
      'javascript:alert(1)',
      'https://ann:hunter2@acme.atlassian.net',
      'https://id.atlassian.com/manage-profile',
      'https://api.atlassian.com/ex/confluence/cloud-1',
    ]) {
      const { error, sent } = await refusal({}, { ...typed, baseUrl });
      expect(error, baseUrl).to.be.instanceOf(TypedError).and.to.include({ field: 'baseUrl' });
      expect(error.message).not.to.contain('hunter2');
      expect(sent).to.be.empty;
    }
  });

  it('says which field is empty, or is no e-mail address', async () => {
    for (const [field, value] of [
      ['email', ''],
      ['email', 'ann'],
      ['email', 'ann:b@acme.test'],
      ['apiToken', '  '],
    ] as const) {
      const { error } = await refusal({}, { ...typed, [field]: value });
      expect(error).to.be.instanceOf(TypedError).and.to.include({ field });
    }
  });

  it('uses the gateway for a token with chosen permissions', async () => {
    const { connected, sent } = connect({
      [ME]: { status: 401, body: {} },
      ...tenant,
      [`${GATEWAY}/wiki/rest/api/user/current`]: { body: ann },
    });
    const { site, account } = await connected;
    expect(site).to.deep.equal({ url: `${HERE}/wiki`, apiUrl: GATEWAY });
    expect(account.id).to.equal('acme.atlassian.net:712020:ann');
    expect(sent.map(({ authorization }) => authorization)).to.deep.equal([basic, undefined, basic]);
  });

  it('names the permission that such a token lacks', async () => {
    const mismatch = { status: 401, body: { code: 401, message: 'Unauthorized; scope does not match' } };
    const { error } = await refusal({
      [ME]: { status: 403, body: {} },
      ...tenant,
      [`${GATEWAY}/wiki/rest/api/user/current`]: mismatch,
    });
    expect(error).to.be.instanceOf(TypedError).and.to.include({ field: 'apiToken' });
    expect(error.message).to.contain('read:confluence-user');
  });

  it('cannot tell a wrong e-mail address from a wrong token, and says so', async () => {
    const { error } = await refusal({
      [ME]: { status: 401, body: {} },
      ...tenant,
      [`${GATEWAY}/wiki/rest/api/user/current`]: { status: 401, body: { code: 401, message: 'Unauthorized' } },
    });
    expect(error).to.be.instanceOf(TypedError).and.to.include({ field: 'apiToken' });
    expect(error.message).to.contain('e-mail address').and.to.contain('API token');
  });

  it('refuses to be let in as nobody in particular', async () => {
    const anonymous = { [ME]: { body: { type: 'anonymous', displayName: 'Anonymous' } } };
    const failed = {
      [`${HERE}/rest/api/3/myself`]: { body: ann, headers: { 'x-seraph-loginreason': 'AUTHENTICATED_FAILED' } },
    };
    for (const { error } of [await refusal(anonymous), await refusal(failed, typed, 'api_token', tracker)])
      expect(error).to.be.instanceOf(TypedError).and.to.include({ field: 'apiToken' });
  });

  it('says so when wrong attempts have locked the account', async () => {
    const headers = { 'x-seraph-loginreason': 'AUTHENTICATION_DENIED' };
    const { error } = await refusal({ [ME]: { status: 403, body: {}, headers } });
    expect(error).to.be.instanceOf(TypedError);
    expect(error.message).to.contain('CAPTCHA');
  });

  it('tells an account that may not use the product from a token that is wrong', async () => {
    const { error } = await refusal({
      [ME]: { status: 403, body: {} },
      ...tenant,
      [`${GATEWAY}/wiki/rest/api/user/current`]: { status: 403, body: {} },
    });
    expect(error).to.be.instanceOf(ProviderError).and.to.include({ kind: 'denied' });
  });

  it('says that there is no such product at an address, or no site of Atlassian', async () => {
    const none = await refusal(tenant);
    expect(none.error).to.be.instanceOf(TypedError).and.to.include({ field: 'baseUrl' });
    expect(none.error.message).to.contain('There is no Confluence at acme.atlassian.net');
    for (const answer of [{ status: 404, body: 'nothing' }, { body: '<h1>Welcome</h1>' }, { body: { some: 'json' } }]) {
      const { error } = await refusal(
        { 'https://shop.test/wiki/rest/api/user/current': answer },
        { ...typed, baseUrl: 'shop.test' },
      );
      expect(error).to.be.instanceOf(TypedError).and.to.include({ field: 'baseUrl' });
      expect(error.message).to.contain('shop.test is no site of Atlassian Cloud');
    }
  });

  it('sends credentials to no address that the typed one leads on to', async () => {
    const headers = { location: 'https://acme-new.atlassian.net/wiki/rest/api/user/current' };
    const { error, sent } = await refusal({ [ME]: { status: 302, headers } });
    expect(error).to.be.instanceOf(TypedError).and.to.include({ field: 'baseUrl' });
    expect(error.message).to.contain('https://acme-new.atlassian.net');
    expect(sent).to.have.length(1);
  });

  it('names the setting that lets the hub reach another host', async () => {
    const blocked = new EgressError('blocked', 'Requests to https://wiki.corp.test are not allowed.');
    const url = 'https://wiki.corp.test/rest/api/user/current';
    const given = { baseUrl: 'wiki.corp.test', personalAccessToken: 'pat' };
    const { error } = await refusal({ [url]: blocked }, given, 'personal_access_token');
    expect(error).to.be.instanceOf(TypedError).and.to.include({ field: 'baseUrl' });
    expect(error.message).to.contain('EGRESS_ALLOWED_HOSTS').and.to.contain('wiki.corp.test');
  });

  it('tells a name that does not exist from a site that does not answer', async () => {
    const unknown = new EgressError(
      'network',
      'acme.atlassian.net could not be reached (ENOTFOUND).',
      Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' }),
    );
    expect((await refusal({ [ME]: unknown })).error).to.be.instanceOf(TypedError);
    const silent = new EgressError('timeout', 'acme.atlassian.net did not answer in time.');
    expect((await refusal({ [ME]: silent })).error)
      .to.be.instanceOf(ProviderError)
      .and.to.include({ kind: 'transient' });
    const busy = { status: 429, body: {}, headers: { 'retry-after': '30' } };
    expect((await refusal({ [ME]: busy })).error).to.include({ kind: 'rate_limited' });
    expect((await refusal({ [ME]: { status: 502, body: 'bad gateway' } })).error).to.include({ kind: 'transient' });
  });

  describe('to a Data Center', () => {
    const root = 'http://wiki.corp.test:8090/dc';
    const bob = { type: 'known', username: 'bob', userKey: '8a81', displayName: 'Bob' };
    const pat = { baseUrl: `${root}/display/DOC/Home`, personalAccessToken: 'NjA2=' };
    const answers = (answer: Answer): Record<string, Answer> => ({ [`${root}/rest/api/user/current`]: answer });

    it('sends the token as it is, to where the server is installed', async () => {
      const { connected, sent } = connect(answers({ body: bob }), pat, 'personal_access_token');
      const { accessToken, account, site } = await connected;
      expect(sent).to.deep.equal([{ url: `${root}/rest/api/user/current`, authorization: 'Bearer NjA2=' }]);
      expect(accessToken.reveal()).to.equal('NjA2=');
      expect(account).to.deep.equal({ id: 'wiki.corp.test:8090:8a81', name: 'Bob', email: undefined });
      expect(site).to.deep.equal({ url: root, apiUrl: `${root}/rest` });
      expect(isDataCenter(connectionTo(globalThis.fetch, { site }))).to.equal(true);
    });

    it('says when the token is refused, is none, or the site is one of the Cloud', async () => {
      const refused = await refusal(answers({ status: 401, body: {} }), pat, 'personal_access_token');
      expect(refused.error).to.be.instanceOf(TypedError).and.to.include({ field: 'personalAccessToken' });
      const anonymous = await refusal(answers({ body: { type: 'anonymous' } }), pat, 'personal_access_token');
      expect(anonymous.error).to.be.instanceOf(TypedError).and.to.include({ field: 'personalAccessToken' });
      const broken = { ...pat, personalAccessToken: 'two words' };
      const noToken = await refusal(answers({ body: bob }), broken, 'personal_access_token');
      expect(noToken.error).to.be.instanceOf(TypedError).and.to.include({ field: 'personalAccessToken' });
      expect(noToken.sent).to.be.empty;
      const cloud = await refusal({}, { ...pat, baseUrl: HERE }, 'personal_access_token');
      expect(cloud.error).to.be.instanceOf(TypedError).and.to.include({ field: 'baseUrl' });
      expect(cloud.sent).to.be.empty;
    });

    it('is offered by no product that has no such tokens', async () => {
      const { error } = await refusal({}, pat, 'personal_access_token', tracker);
      expect(error).to.be.instanceOf(TypedError);
    });
  });
});
