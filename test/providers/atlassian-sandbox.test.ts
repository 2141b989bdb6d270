import { createHash, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { startAtlassianSandbox, type AtlassianSandbox } from '../../providers/atlassian/sandbox.ts';
import { createSite, personOf, sandboxSites } from '../../providers/atlassian/sandbox-sites.ts';
import type { AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import { sandboxAccounts } from '../../providers/sandbox/sandbox-files.ts';
import { consent } from '../helpers/connect.ts';
import { describeAtlassianWire } from './atlassian-contract.ts';
import { recording, type Exchange } from './exchanges.ts';

const APP = { clientId: 'client-1', clientSecret: 'hunter2-client-secret' };
const ANN = 'ann@tributary.example';
const BEN = 'ben@tributary.example';
const BACK = 'http://localhost:3000/api/v1/integrations/confluence/callback';
const VERIFIER = 'v'.repeat(64);
const SCOPES = ['read:me', 'read:page:confluence', 'read:jira-work', 'offline_access'];
const accounts = [
  { id: '1', email: ANN, name: 'Ann Oster', spaces: [] },
  { id: '2', email: BEN, name: 'Ben Weir', spaces: [] },
];

const exchanges: Exchange[] = [];
const watched = recording(exchanges)(fetch);

type Json = Record<string, unknown>;
type Answer = { status: number; headers: Headers; json: Json };

describe('the stand-in for Atlassian', () => {
  let sandbox: AtlassianSandbox;
  let acme: AtlassianSite;
  let other: AtlassianSite;
  let server: AtlassianSite;

  beforeEach(async () => {
    const people = accounts.map(personOf);
    acme = createSite({ name: 'acme', people });
    other = createSite({ name: 'other', people: people.slice(0, 1), products: ['confluence'] });
    server = createSite({ name: 'server', people, kind: 'server', products: ['confluence'] });
    sandbox = await startAtlassianSandbox({ accounts, sites: [acme, other, server], ...APP });
    sandbox.state.addSpace({ key: 'DOC', name: 'Docs', pages: 3 });
  });
  afterEach(() => sandbox.close());

  const get = async (url: string, authorization?: string): Promise<Answer> => {
    const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
    const response = await watched(url, { headers, redirect: 'manual' });
    const json = (await response
      .clone()
      .json()
      .catch(() => ({}))) as Json;
    return { status: response.status, headers: response.headers, json };
  };
  const bearer = (token: string): string => `Bearer ${token}`;
  const basic = (email: string, token: string): string =>
    `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}`;
  const gateway = (path: string, cloudId = acme.cloudId): string => `${sandbox.url}/ex/confluence/${cloudId}${path}`;

  const authorizeUrl = (change: Record<string, string> = {}): string => {
    const query = {
      audience: 'api.atlassian.com',
      client_id: APP.clientId,
      scope: SCOPES.join(' '),
      redirect_uri: BACK,
      state: 'state-1',
      response_type: 'code',
      prompt: 'consent',
      code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
      code_challenge_method: 'S256',
      ...change,
    };
    return `${sandbox.url}/authorize?${new URLSearchParams(query).toString()}`;
  };
  const token = async (form: Record<string, string>, at = sandbox.url): Promise<Answer> => {
    const response = await watched(`${at}/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ client_id: APP.clientId, client_secret: APP.clientSecret, ...form }),
    });
    return { status: response.status, headers: response.headers, json: (await response.json()) as Json };
  };
  const codeFor = async (change: Record<string, string> = {}, options: Parameters<typeof consent>[2] = {}) =>
    (await consent(authorizeUrl(change), 'Allow', { email: ANN, ...options })).searchParams.get('code') ?? '';
  const redeem = (code: string, change: Record<string, string> = {}): Promise<Answer> =>
    token({ grant_type: 'authorization_code', code, redirect_uri: BACK, code_verifier: VERIFIER, ...change });
  const refresh = (refreshToken: unknown, at?: string): Promise<Answer> =>
    token({ grant_type: 'refresh_token', refresh_token: String(refreshToken) }, at);
  const resources = async (accessToken: unknown): Promise<{ id: string; scopes: string[] }[]> => {
    const { json } = await get(`${sandbox.url}/oauth/token/accessible-resources`, bearer(String(accessToken)));
    return json as unknown as { id: string; scopes: string[] }[];
  };

  describe('signing in', () => {
    it('names app, account, permissions and sites on the consent page, and shows it only to a request that is complete', async () => {
      const html = await (await fetch(authorizeUrl())).text();
      expect(html).to.contain('Tributary wants access to your Atlassian account').and.to.contain(ANN);
      expect(html).to.contain('View pages and blog posts').and.to.contain('acme').and.to.contain(other.url);
      expect(html).not.to.contain(server.url);
      const wrong: Record<string, string>[] = [
        { client_id: 'another' },
        { redirect_uri: 'javascript:alert(1)' },
        { response_type: 'token' },
        { scope: 'openid profile email' },
        { scope: '' },
        { audience: 'api.example.com' },
        { code_challenge_method: 'plain' },
      ];
      for (const change of wrong)
        expect((await fetch(authorizeUrl(change))).status, JSON.stringify(change)).to.equal(400);
    });

    it('sends the person back with the state and a code, or with the refusal', async () => {
      const back = await consent(authorizeUrl(), 'Allow', { email: ANN });
      expect(back.searchParams.get('state')).to.equal('state-1');
      const denied = await consent(authorizeUrl(), 'Deny');
      expect(Object.fromEntries(denied.searchParams)).to.include({ error: 'access_denied', state: 'state-1' });
    });

    it('exchanges a code once, in JSON and as a form, for who can prove to have asked', async () => {
      const { status, json } = await redeem(await codeFor());
      expect(status).to.equal(200);
      expect(json).to.include({ token_type: 'Bearer', expires_in: 3600, scope: SCOPES.join(' ') });
      expect(String(json.access_token).length).to.be.greaterThan(1024);
      const code = await codeFor();
      const body = { grant_type: 'authorization_code', code, redirect_uri: BACK, code_verifier: VERIFIER };
      const form = new URLSearchParams({ ...body, client_id: APP.clientId, client_secret: APP.clientSecret });
      expect((await watched(`${sandbox.url}/oauth/token`, { method: 'POST', body: form })).status).to.equal(200);
      const faults: [string, Record<string, string>][] = [
        [code, {}],
        [await codeFor(), { code_verifier: 'w'.repeat(64) }],
        [await codeFor(), { redirect_uri: `${BACK}/` }],
      ];
      for (const [one, change] of faults) {
        const refused = await redeem(one, change);
        expect([refused.status, refused.json.error]).to.deep.equal([403, 'invalid_grant']);
      }
      const stranger = await redeem(await codeFor(), { client_secret: 'wrong' });
      expect([stranger.status, stranger.json.error]).to.deep.equal([401, 'access_denied']);
      expect((await token({ grant_type: 'password' })).json.error).to.equal('unsupported_grant_type');
    });

    it('gives a refresh token to who asked for offline_access only', async () => {
      const { json } = await redeem(await codeFor({ scope: 'read:me read:page:confluence' }));
      expect(json).to.have.property('access_token').and.not.to.equal(undefined);
      expect(json).not.to.have.property('refresh_token');
    });

    it('rotates refresh tokens: a used one is good for ten minutes, or refused at once', async () => {
      const { refreshToken } = sandbox.state.issue(ANN);
      const first = await refresh(refreshToken);
      expect(first.json.refresh_token).to.be.a('string').and.not.to.equal(refreshToken);
      expect((await refresh(refreshToken)).status, 'within ten minutes').to.equal(200);
      sandbox.state.rotation.reuseMs = 0;
      const dead = await refresh(refreshToken);
      expect([dead.status, dead.json]).to.deep.equal([
        403,
        { error: 'invalid_grant', error_description: 'Unknown or invalid refresh token.' },
      ]);
      expect((await refresh(first.json.refresh_token)).status, 'the newest').to.equal(200);
    });

    it('lets a refresh token lapse that nobody used, and can leave out the new one', async () => {
      sandbox.state.rotation.idleMs = 0;
      expect((await refresh(sandbox.state.issue(ANN).refreshToken)).status).to.equal(403);
      sandbox.state.rotation.idleMs = 60_000;
      sandbox.state.rotation.rotates = false;
      const { refreshToken } = sandbox.state.issue(ANN);
      expect((await refresh(refreshToken)).json).to.have.property('access_token');
      expect((await refresh(refreshToken)).json).not.to.have.property('refresh_token');
    });

    it('keeps grants and the addresses of sites over a restart with the same key, and nothing without it', async () => {
      const run = async <T>(signingKey: string, use: (again: AtlassianSandbox) => Promise<T>): Promise<T> => {
        const sites = [createSite({ name: 'acme', people: accounts.map(personOf) })];
        const again = await startAtlassianSandbox({ accounts, sites, ...APP, signingKey });
        return use(again).finally(() => again.close());
      };
      const key = randomUUID();
      const before = await run(key, async ({ state }) => ({ ...state.issue(ANN), url: state.sites[0]?.url }));
      const stillWorks = async ({ url, state }: AtlassianSandbox): Promise<unknown[]> => [
        (await get(`${url}/oauth/token/accessible-resources`, bearer(before.accessToken))).status,
        (await refresh(before.refreshToken, url)).status,
        state.sites[0]?.url === before.url,
      ];
      expect(await run(key, stillWorks)).to.deep.equal([200, 200, true]);
      expect((await run(randomUUID(), stillWorks)).slice(0, 2)).to.deep.equal([401, 403]);
    });
  });

  describe('sites and identity', () => {
    it('lists a site once for each product, with the scopes of that product', async () => {
      const found = await resources(sandbox.state.issue(ANN, SCOPES).accessToken);
      expect(found.map(({ id, scopes }) => [id, scopes])).to.deep.equal([
        [acme.cloudId, ['read:page:confluence']],
        [acme.cloudId, ['read:jira-work']],
        [other.cloudId, ['read:page:confluence']],
      ]);
    });

    it('lists what was granted in any consent, as long as the person may use the site', async () => {
      const first = await redeem(await codeFor({}, { untick: /other/ }));
      const ids = async (of: Answer): Promise<string[]> => [
        ...new Set((await resources(of.json.access_token)).map(({ id }) => id)),
      ];
      expect(await ids(first)).to.deep.equal([acme.cloudId]);
      const second = await redeem(await codeFor({}, { untick: /acme/ }));
      expect(await ids(second)).to.deep.equal([acme.cloudId, other.cloudId]);
      expect(await ids(await refresh(first.json.refresh_token))).to.deep.equal([acme.cloudId, other.cloudId]);
      acme.members.clear();
      expect(await ids(second)).to.deep.equal([other.cloudId]);
      const ben = await redeem(await codeFor({}, { email: BEN }));
      expect(await ids(ben)).to.deep.equal([]);
    });

    it('says who it is, with read:me', async () => {
      const { json } = await get(`${sandbox.url}/me`, bearer(sandbox.state.issue(ANN).accessToken));
      expect(json).to.include({ email: ANN, name: 'Ann Oster', account_type: 'atlassian' });
      const { status } = await get(
        `${sandbox.url}/me`,
        bearer(sandbox.state.issue(ANN, ['read:jira-work']).accessToken),
      );
      expect(status).to.equal(401);
    });
  });

  describe('the gateway', () => {
    it('tells a missing scope, a dead token, an unknown site and one that is not for this person apart', async () => {
      const spaces = '/wiki/api/v2/spaces';
      const { accessToken } = sandbox.state.issue(ANN);
      const narrow = sandbox.state.issue(ANN, ['read:page:confluence']).accessToken;
      expect((await get(gateway(spaces), bearer(accessToken))).status).to.equal(200);
      const scope = await get(gateway(spaces), bearer(narrow));
      expect([scope.status, scope.json]).to.deep.equal([
        401,
        { code: 401, message: 'Unauthorized; scope does not match' },
      ]);
      const jira = await get(`${sandbox.url}/ex/jira/${acme.cloudId}/rest/api/3/myself`, bearer(narrow));
      expect(jira.json).to.deep.equal({ code: 401, message: 'Unauthorized; scope does not match' });
      for (const wrong of [undefined, bearer('eyJ.made.up')]) {
        const refused = await get(gateway(spaces), wrong);
        expect([refused.status, refused.json]).to.deep.equal([401, { code: 401, message: 'Unauthorized' }]);
      }
      expect((await get(gateway(spaces, server.cloudId), bearer(accessToken))).status).to.equal(404);
      expect(
        (await get(`${sandbox.url}/ex/jira/${other.cloudId}/rest/api/3/myself`, bearer(accessToken))).status,
      ).to.equal(404);
      const { accessToken: bens } = sandbox.state.issue(BEN);
      expect((await get(gateway(spaces, other.cloudId), bearer(bens))).status).to.equal(403);
      sandbox.state.expireTokens();
      expect((await get(gateway(spaces), bearer(accessToken))).json.message).to.equal('Unauthorized');
    });

    it('ends what an administrator ends', async () => {
      const { accessToken, refreshToken } = sandbox.state.issue(ANN);
      sandbox.state.endGrants(ANN);
      expect((await get(gateway('/wiki/api/v2/spaces'), bearer(accessToken))).status).to.equal(401);
      expect((await refresh(refreshToken)).json.error).to.equal('invalid_grant');
      expect((await refresh(sandbox.state.issue(ANN).refreshToken)).status, 'a new consent').to.equal(200);
    });

    it('takes API tokens with chosen permissions, as far as these go', async () => {
      const scoped = basic(ANN, sandbox.state.scopedToken(ANN, ['read:space:confluence']));
      expect((await get(gateway('/wiki/api/v2/spaces'), scoped)).status).to.equal(200);
      expect((await get(gateway('/wiki/api/v2/pages'), scoped)).json.message).to.contain('scope does not match');
      expect((await get(gateway('/wiki/api/v2/spaces'), basic(ANN, sandbox.state.apiToken(ANN)))).status).to.equal(401);
      expect((await get(`${acme.url}/wiki/api/v2/spaces`, scoped)).status).to.equal(401);
    });

    it('asks for a pause in the vendor’s words', async () => {
      sandbox.state.throttleNext({ reason: 'confluence-quota-tenant-based', seconds: 7 });
      const { accessToken } = sandbox.state.issue(ANN);
      const { status, headers } = await get(gateway('/wiki/api/v2/spaces'), bearer(accessToken));
      expect([status, headers.get('retry-after'), headers.get('ratelimit-reason')]).to.deep.equal([
        429,
        '7',
        'confluence-quota-tenant-based',
      ]);
      expect((await get(gateway('/wiki/api/v2/spaces'), bearer(accessToken))).status).to.equal(200);
    });
  });

  describe('the sites', () => {
    it('take e-mail address and API token, and no token of the gateway', async () => {
      const at = `${acme.url}/wiki/rest/api/user/current`;
      const token = sandbox.state.apiToken(ANN);
      expect(token).to.contain('=');
      expect((await get(at, basic(ANN, token))).json).to.include({ type: 'known', email: ANN });
      expect((await get(`${acme.url}/rest/api/3/myself`, basic(ANN, token))).json).to.include({ emailAddress: ANN });
      expect((await get(at, bearer(sandbox.state.issue(ANN).accessToken))).status).to.equal(401);
      expect(
        (await get(`${other.url}/wiki/rest/api/user/current`, basic(BEN, sandbox.state.apiToken(BEN)))).status,
      ).to.equal(403);
      expect((await get(`${acme.url}/wiki/api/v2/spaces`)).status, 'nobody').to.equal(401);
    });

    it('refuse wrong credentials, answer them as nobody, and lock after too many', async () => {
      const at = `${acme.url}/wiki/rest/api/user/current`;
      const wrong = basic(ANN, 'wrong');
      const refused = await get(at, wrong);
      expect([refused.status, refused.headers.get('x-seraph-loginreason')]).to.deep.equal([
        401,
        'AUTHENTICATED_FAILED',
      ]);
      sandbox.state.signIn.asAnonymous = true;
      const anonymous = await get(at, wrong);
      expect([anonymous.status, anonymous.json.type]).to.deep.equal([200, 'anonymous']);
      expect(anonymous.headers.get('x-seraph-loginreason')).to.equal('AUTHENTICATED_FAILED');
      sandbox.state.signIn.mostAttempts = 2;
      const locked = await get(at, basic(ANN, sandbox.state.apiToken(ANN)));
      expect([locked.status, locked.headers.get('x-seraph-loginreason')]).to.deep.equal([403, 'AUTHENTICATION_DENIED']);
    });

    it('say their id to everybody', async () => {
      expect((await get(`${acme.url}/_edge/tenant_info`)).json).to.deep.equal({ cloudId: acme.cloudId });
      expect((await get(`${server.url}/_edge/tenant_info`)).status).to.equal(404);
    });

    it('are told from a Data Center, which takes personal access tokens', async () => {
      expect(server.url).to.match(/\/dc$/);
      const at = `${server.url}/rest/api/user/current`;
      const own = await get(at, bearer(sandbox.state.personalToken(ANN)));
      expect(own.json).to.include({ type: 'known', username: 'ann', displayName: 'Ann Oster' });
      expect(own.json).to.have.property('userKey');
      expect((await get(at, bearer(sandbox.state.issue(ANN).accessToken))).status).to.equal(401);
      expect((await get(at)).json).to.include({ type: 'anonymous' });
    });

    it('show their tokens to people who try them', async () => {
      const html = await (await fetch(`${sandbox.url}/manage-profile/security/api-tokens`)).text();
      for (const text of [acme.url, server.url, sandbox.state.apiToken(ANN), sandbox.state.personalToken(BEN)])
        expect(html).to.contain(text);
    });
  });

  describe('files', () => {
    it('come from a host of their own, by an address that runs out and wants no credentials', async () => {
      const { confluence } = acme;
      const container = confluence?.find('Docs home');
      if (!confluence || !container) return expect.fail('no page');
      const content = Buffer.alloc(100_000, 'words ');
      const { id } = confluence.attach({
        container,
        title: 'Übersicht.bin',
        mediaType: 'application/x-words',
        content,
      });
      const at = gateway(`/wiki/rest/api/content/${container.id}/child/attachment/${id}/download`);
      const authorization = bearer(sandbox.state.issue(ANN).accessToken);
      const { status, headers } = await get(at, authorization);
      const location = headers.get('location') ?? '';
      expect(status).to.equal(302);
      expect([sandbox.url, acme.url].map((url) => new URL(url).host)).not.to.include(new URL(location).host);
      expect(sandbox.env.EGRESS_ALLOWED_HOSTS?.split(',')).to.include(new URL(location).host);
      const file = await fetch(location);
      expect(Buffer.from(await file.arrayBuffer()).equals(content)).to.equal(true);
      expect(sandbox.state.requests.at(-1)?.authorization).to.equal(undefined);
      sandbox.state.truncateNext((path) => path.startsWith('/file/'));
      const broken = await fetch(location)
        .then((response) => response.arrayBuffer())
        .catch((error: unknown) => error);
      expect(broken).to.be.instanceOf(TypeError);
      sandbox.state.media.lifetimeMs = 0;
      const late = (await get(at, authorization)).headers.get('location') ?? '';
      const gone = await get(late);
      expect([gone.status, (gone.json.error as Json).code]).to.deep.equal([403, 'JwtAuthoriser:TokenExpiredError']);
    });
  });

  it('remembers the requests of all hosts, and fails when told to', async () => {
    const at = `${acme.url}/_edge/tenant_info`;
    await get(at, basic(ANN, 'token'));
    expect(sandbox.state.requests.at(-1)).to.include({ method: 'GET', url: at, authorization: 'Basic' });
    sandbox.state.failNext((path) => path.includes('tenant_info'), { status: 503 });
    expect((await get(at)).status).to.equal(503);
    expect((await get(at)).status).to.equal(200);
  });

  it('serves the sample company: two sites, and the server it had before', async () => {
    const company = await sandboxAccounts({});
    const sites = await sandboxSites(company);
    expect(sites.map(({ name, kind }) => [name, kind])).to.deep.equal([
      ['saltmarsh-ferry', 'cloud'],
      ['brannoc-slip', 'cloud'],
      ['old-wiki', 'server'],
    ]);
    const demo = await startAtlassianSandbox({ accounts: company, sites, ...APP });
    try {
      const seen = async (email: string): Promise<number> => {
        const { accessToken } = demo.state.issue(email, ['read:page:confluence']);
        return (
          (await get(`${demo.url}/oauth/token/accessible-resources`, bearer(accessToken))).json as unknown as Json[]
        ).length;
      };
      expect(await Promise.all(company.map(({ email }) => seen(email)))).to.deep.equal([2, 2, 1]);
    } finally {
      await demo.close();
    }
  });

  describeAtlassianWire(exchanges, 30);
});
