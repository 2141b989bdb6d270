import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { ProviderErrorKind } from '../../providers/errors.ts';
import { createJira, jiraDefinition } from '../../providers/jira/index.ts';
import type { Connection, Fetch } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { failureOf } from './reading.ts';

const config = parseConfig({ ATLASSIAN_CLIENT_ID: 'client-1', ATLASSIAN_CLIENT_SECRET: 'hunter2-secret' }).jira;
const provider = createJira(config);
const { auth } = provider;
const verifier = 'v'.repeat(43);
const redirectUri = 'https://hub.test/integrations/jira/callback?a=b c';
const request = { state: 'state-1', codeVerifier: verifier, redirectUri };
const code = { code: 'code-1', codeVerifier: verifier, redirectUri };
const SCOPES = jiraDefinition.scopes.map(({ scope }) => scope);
const TOKENS = { access_token: 'access-2', refresh_token: 'refresh-2', expires_in: 3600, scope: SCOPES.join(' ') };

type Sent = { url: string; body: URLSearchParams };

function answering(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): { fetch: Fetch; sent: Sent[] } {
  const sent: Sent[] = [];
  return {
    sent,
    fetch: async (input, init) => {
      sent.push({ url: input as string, body: init?.body as URLSearchParams });
      return typeof body === 'string'
        ? new Response(body, { status, headers: { 'content-type': 'text/html', ...headers } })
        : new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });
    },
  };
}

describe('connecting to Atlassian by consent', () => {
  it('sends people to the consent page of the audience, with state, challenge and the redirect URI as it is', async () => {
    const url = new URL(await auth.authorizationUrl(request));
    expect(url.origin + url.pathname).to.equal('https://auth.atlassian.com/authorize');
    expect(Object.fromEntries(url.searchParams)).to.deep.equal({
      audience: 'api.atlassian.com',
      prompt: 'consent',
      response_type: 'code',
      client_id: 'client-1',
      redirect_uri: redirectUri,
      scope: 'read:jira-work read:jira-user manage:jira-webhook read:me offline_access',
      state: 'state-1',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
  });

  it('exchanges a code as a form, with the verifier and the secret', async () => {
    const { fetch, sent } = answering(200, TOKENS);
    const tokens = await auth.exchange(code, fetch);
    expect(sent.map(({ url }) => url)).to.deep.equal(['https://auth.atlassian.com/oauth/token']);
    expect(Object.fromEntries(sent[0]?.body ?? [])).to.deep.equal({
      grant_type: 'authorization_code',
      code: 'code-1',
      code_verifier: verifier,
      redirect_uri: redirectUri,
      client_id: 'client-1',
      client_secret: 'hunter2-secret',
    });
    expect(tokens.refreshToken?.reveal()).to.equal('refresh-2');
    expect(tokens.scopes).to.deep.equal(SCOPES);
  });

  it('names the permission that was not granted', async () => {
    const { fetch } = answering(200, { ...TOKENS, scope: 'read:jira-work read:me offline_access' });
    const error = await failureOf(auth.exchange(code, fetch));
    expect(error.kind).to.equal('scope');
    expect(error.message).to.contain('read:jira-user');
  });

  it('takes a grant without a permission that only calls need', async () => {
    const scope = SCOPES.filter((one) => one !== 'manage:jira-webhook').join(' ');
    const { fetch } = answering(200, { ...TOKENS, scope });
    expect((await auth.exchange(code, fetch)).scopes.join(' ')).to.equal(scope);
  });

  it('refuses a grant that would end after an hour', async () => {
    const { fetch } = answering(200, { ...TOKENS, refresh_token: undefined });
    expect((await failureOf(auth.exchange(code, fetch))).kind).to.equal('reconnect');
  });

  it('is switched off without client id and secret', async () => {
    const off = createJira(parseConfig({}).jira);
    const error = await failureOf(off.auth.authorizationUrl(request));
    expect(error.kind).to.equal('misconfigured');
    expect(error.message).to.contain('JIRA_CLIENT_ID');
  });

  it('has no revocation to call, and says where a grant is ended by hand', () => {
    expect('revoke' in auth).to.equal(false);
    expect(jiraDefinition.manualRevokeUrl).to.equal('https://id.atlassian.com/manage-profile/apps');
    expect(jiraDefinition.idleDays).to.equal(90);
  });

  it('knows people by their account id, though the e-mail address is hidden', async () => {
    const { fetch, sent } = answering(200, { account_id: '712020:a', name: 'Ann', email: null });
    const connection: Connection = { integrationId: 'i', accountId: '', fetch };
    expect(await auth.identify(connection)).to.deep.equal({ id: '712020:a', name: 'Ann', email: undefined });
    expect(sent[0]?.url).to.equal('https://api.atlassian.com/me');
  });
});

describe('refreshing at Atlassian', () => {
  const refresh = (fetch: Fetch) => auth.refresh(new Secret('refresh-1'), fetch);

  it('gives the new refresh token, which replaces the one used', async () => {
    const { fetch, sent } = answering(200, TOKENS);
    const tokens = await refresh(fetch);
    expect(tokens.refreshToken?.reveal()).to.equal('refresh-2');
    expect(sent[0]?.body.get('refresh_token')).to.equal('refresh-1');
  });

  it('leaves the stored refresh token in place when none comes', async () => {
    const tokens = await refresh(answering(200, { access_token: 'access-2', expires_in: 3600 }).fetch);
    expect(tokens.refreshToken).to.equal(undefined);
    expect(tokens.scopes).to.deep.equal(SCOPES);
  });

  it('never throws a new refresh token away because a permission is missing', async () => {
    const tokens = await refresh(answering(200, { ...TOKENS, scope: 'read:me' }).fetch);
    expect(tokens.refreshToken?.reveal()).to.equal('refresh-2');
    expect(tokens.scopes).to.deep.equal(['read:me']);
  });

  const refusals: [number, unknown, ProviderErrorKind][] = [
    [403, { error: 'invalid_grant', error_description: 'Unknown or invalid refresh token.' }, 'reconnect'],
    [400, { error: 'invalid_grant' }, 'reconnect'],
    [401, { error: 'invalid_grant' }, 'reconnect'],
    [403, { error: 'unauthorized_client' }, 'misconfigured'],
    [403, { error: 'access_denied' }, 'misconfigured'],
    [401, { error: 'access_denied' }, 'misconfigured'],
    [401, { error: 'invalid_client' }, 'misconfigured'],
    [400, { error: 'invalid_client' }, 'misconfigured'],
    [400, { error: 'invalid_request' }, 'bad_response'],
    [403, '<h1>Blocked by the proxy</h1>', 'transient'],
    [401, '<h1>Sign in to the network</h1>', 'transient'],
    [200, '<h1>Sign in to the network</h1>', 'transient'],
    [503, { error: 'invalid_grant' }, 'transient'],
    [429, {}, 'rate_limited'],
  ];
  for (const [status, body, kind] of refusals)
    it(`takes ${status} ${typeof body === 'string' ? 'with a page' : JSON.stringify(body)} for “${kind}”`, async () => {
      const error = await failureOf(refresh(answering(status, body).fetch));
      expect(error.kind).to.equal(kind);
      expect(error.message).to.match(/^\p{Lu}.*\.$/u);
      expect(error.message).not.to.match(/refresh-1|hunter2|Unknown or invalid/);
    });

  it('comes back when Atlassian says so', async () => {
    const error = await failureOf(refresh(answering(429, {}, { 'retry-after': '7' }).fetch));
    expect((error.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(5000, 7000);
  });
});

describe('what the gateway’s refusals ask of a connection', () => {
  const judged = (status: number, body: unknown, headers: Record<string, string> = {}) =>
    provider.judge?.({ status, headers: new Headers(headers), text: JSON.stringify(body) });
  const toNextHour = (): number => 3_600_000 - (Date.now() % 3_600_000);

  it('never refreshes for a permission that is missing, and does for a token that ended', () => {
    expect(judged(401, { code: 401, message: 'Unauthorized; scope does not match' })).to.deep.equal({ kind: 'final' });
    expect(judged(401, { code: 401, message: 'Unauthorized' })).to.equal(undefined);
  });

  it('never takes a dead download address for a dead grant', () => {
    expect(judged(401, { error: { code: 'JwtAuthoriser:TokenExpiredError' } })).to.deep.equal({ kind: 'final' });
  });

  it('pauses everything until the next full hour when the hour’s points are used up', () => {
    for (const [product, pool, reach] of [
      ['jira', 'tenant', 'account'],
      ['jira', 'global', 'app'],
      ['confluence', 'tenant', 'account'],
      ['confluence', 'global', 'app'],
    ]) {
      const verdict = judged(429, {}, { 'ratelimit-reason': `${product}-quota-${pool}-based`, 'retry-after': '3' });
      expect(verdict).to.include({ kind: 'throttled', reach });
      const waitMs = verdict?.kind === 'throttled' ? verdict.waitMs : undefined;
      expect((waitMs ?? 0) - toNextHour()).to.be.within(-1000, 1000);
    }
  });

  it('slows down one endpoint alone when its own bucket is empty', () => {
    const burst = judged(429, {}, { 'ratelimit-reason': 'jira-burst-based', 'retry-after': '2' });
    expect(burst).to.include({ kind: 'throttled', reach: 'request' });
    const silent = judged(429, {}, { 'ratelimit-reason': 'jira-burst-based' });
    expect(silent).to.deep.equal({ kind: 'throttled', waitMs: undefined, reach: 'request' });
  });

  it('waits as long as it is told to otherwise', () => {
    const verdict = judged(429, '', { 'x-ratelimit-reset': new Date(Date.now() + 30_000).toISOString() });
    expect(verdict).to.include({ kind: 'throttled', reach: 'account' });
    expect(verdict?.kind === 'throttled' ? verdict.waitMs : 0).to.be.within(25_000, 30_000);
  });
});
