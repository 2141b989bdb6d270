import { expect } from 'chai';
import { createMicrosoft365 } from '../../providers/microsoft-365/index.ts';
import { driveIdOf, tenantIdOf } from '../../providers/microsoft-365/sandbox-ids.ts';
import type { TokenSet } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { consent } from '../helpers/connect.ts';
import { addressOf, recording, type Exchange } from './exchanges.ts';
import { CLIENT, REDIRECT_URI, startWorld, type World } from './microsoft-world.ts';
import { connectionWith, failureOf } from './reading.ts';
import { ANN } from './world.ts';

const request = (loginHint?: string) => ({
  state: 'state-1 &#+é',
  codeVerifier: 'v'.repeat(64),
  redirectUri: REDIRECT_URI,
  loginHint,
});

describe('Microsoft 365, signing in', () => {
  const exchanges: Exchange[] = [];
  let world: World;

  before(async () => {
    world = await startWorld(recording(exchanges, /json/));
  });
  after(() => world.close());

  const connect = async (provider = world.provider): Promise<TokenSet> => {
    const url = await provider.auth.authorizationUrl(request());
    const back = await consent(url, 'Allow', { email: ANN });
    return provider.auth.exchange({ ...request(), code: back.searchParams.get('code') ?? '' }, world.fetch);
  };
  const sealedOf = ({ refreshToken }: TokenSet): Secret => refreshToken ?? expect.fail('no refresh token');
  const formOf = (exchange: Exchange | undefined): URLSearchParams => new URLSearchParams(exchange?.body);

  it('asks for these permissions only, and lets the person choose the account', async () => {
    const url = new URL(await world.provider.auth.authorizationUrl(request()));
    expect(url.origin + url.pathname).to.equal(`${world.sandbox.url}/common/oauth2/v2.0/authorize`);
    expect(url.searchParams.get('scope')?.split(' ').sort()).to.deep.equal(
      world.provider.definition.scopes.map(({ scope }) => scope).sort(),
    );
    expect(Object.fromEntries(url.searchParams)).to.include({ prompt: 'select_account', response_mode: 'query' });
  });

  it('hints at the account that is to be connected again', async () => {
    const url = new URL(await world.provider.auth.authorizationUrl(request(ANN)));
    expect(url.searchParams.get('login_hint')).to.equal(ANN);
    expect(url.searchParams.has('prompt')).to.equal(false);
  });

  it('goes to Microsoft itself, or to a national cloud, and asks nobody on the way', async () => {
    const own = { MICROSOFT_CLIENT_ID: 'id', MICROSOFT_CLIENT_SECRET: 'hunter2' };
    const real = await createMicrosoft365(parseConfig(own).microsoft).auth.authorizationUrl(request());
    expect(real).to.match(/^https:\/\/login\.microsoftonline\.com\/common\/oauth2\/v2\.0\/authorize\?/);
    const china = { ...own, MICROSOFT_AUTHORITY_URL: 'https://login.chinacloudapi.cn', MICROSOFT_TENANT_ID: 'x.cn' };
    const there = await createMicrosoft365(parseConfig(china).microsoft).auth.authorizationUrl(request());
    expect(there).to.match(/^https:\/\/login\.chinacloudapi\.cn\/x\.cn\/oauth2\/v2\.0\/authorize\?/);
  });

  it('asks personal accounts for no more than there is for them', async () => {
    const config = parseConfig({ ...world.sandbox.env, MICROSOFT_TENANT_ID: 'consumers' });
    const url = new URL(await createMicrosoft365(config.microsoft).auth.authorizationUrl(request()));
    expect(url.searchParams.get('scope')).to.not.match(/Sites|Team|Channel/);
  });

  it('connects in one directory as well', async () => {
    const [ann] = world.sandbox.state.accounts;
    const tenant = tenantIdOf(ann ?? expect.fail('no account'));
    const config = parseConfig({ ...world.sandbox.env, MICROSOFT_TENANT_ID: tenant });
    const provider = createMicrosoft365(config.microsoft);
    const fresh = await provider.auth.refresh(sealedOf(await connect(provider)), world.fetch);
    expect(fresh.accessToken.reveal()).not.to.equal('');
    expect(exchanges.at(-1)?.url).to.contain(`/${tenant}/oauth2/v2.0/token`);
  });

  it('sends verifier and secret with the code, and nothing but to the token endpoint', async () => {
    const start = exchanges.length;
    await connect();
    const sent = exchanges.slice(start);
    expect(sent.map(({ method, url }) => `${method} ${new URL(url).pathname}`)).to.deep.equal([
      'POST /common/oauth2/v2.0/token',
    ]);
    expect(Object.fromEntries(formOf(sent[0]))).to.include({
      grant_type: 'authorization_code',
      code_verifier: request().codeVerifier,
      client_secret: CLIENT.clientSecret,
    });
    expect(sent[0]?.url).to.not.match(/secret|verifier|v{64}/);
  });

  it('seals a cache that holds no more than the one account, and keeps the newest refresh token in it', async () => {
    const tokens = await connect();
    const first = sealedOf(tokens).reveal();
    expect(Object.keys((JSON.parse(first) as { Account: object }).Account)).to.have.length(1);
    const fresh = await world.provider.auth.refresh(sealedOf(tokens), world.fetch);
    const sent = formOf(exchanges.at(-1)).get('refresh_token') ?? '';
    expect(first).to.contain(sent);
    expect(sealedOf(fresh).reveal()).to.not.contain(sent);
    expect(fresh.scopes).to.have.members(tokens.scopes);
  });

  it('keeps both of two refreshes that race usable', async () => {
    const sealed = sealedOf(await connect());
    const both = await Promise.all([1, 2].map(() => world.provider.auth.refresh(sealed, world.fetch)));
    for (const tokens of both) {
      expect(await world.provider.roots(connectionWith(world.fetch, tokens.accessToken))).not.to.be.empty;
      await world.provider.auth.refresh(sealedOf(tokens), world.fetch);
    }
    await world.provider.auth.refresh(sealed, world.fetch);
  });

  it('asks again at once after a fault: MSAL’s own memory of it does not outlive the call', async () => {
    const sealed = sealedOf(await connect());
    for (const status of [500, 429]) {
      world.plan(/\/token/, status, { error: 'server_error' });
      await failureOf(world.provider.auth.refresh(sealed, world.fetch));
      const fresh = await world.provider.auth.refresh(sealed, world.fetch);
      expect(fresh.accessToken).to.be.instanceOf(Secret);
    }
  });

  it('refreshes with no more than was granted', async () => {
    const tokens = await connect();
    const scope = 'User.Read Files.Read.All openid profile email';
    const answer = JSON.parse(exchanges.at(-1)?.answer ?? '') as object;
    world.plan(/\/token/, 200, { ...answer, scope });
    const narrow = await world.provider.auth.refresh(sealedOf(tokens), world.fetch);
    expect(narrow.scopes.join(' ')).to.equal(`${scope} offline_access`);
    await world.provider.auth.refresh(sealedOf(narrow), world.fetch);
    expect(formOf(exchanges.at(-1)).get('scope')).to.not.match(/Sites|Team|Channel/);
  });

  it('does not accept a grant without the files, or one that ends after an hour', async () => {
    const tokens = await connect();
    const answer = JSON.parse(exchanges.at(-1)?.answer ?? '') as Record<string, unknown>;
    world.plan(/\/token/, 200, { ...answer, scope: 'User.Read openid' });
    const error = await failureOf(world.provider.auth.refresh(sealedOf(tokens), world.fetch));
    expect(error.kind).to.equal('scope');
    expect(error.message).to.contain('Files.Read.All');
    const { refresh_token: _, ...brief } = answer;
    world.plan(/\/token/, 200, brief);
    const hour = world.provider.auth.exchange({ ...request(), code: 'c' }, world.fetch);
    expect((await failureOf(hour)).kind).to.equal('reconnect');
  });

  it('tells the causes of a refused token request apart, and repeats none of Microsoft’s words', async () => {
    const sealed = sealedOf(await connect());
    const causes: [number, string, number | undefined, string][] = [
      [400, 'invalid_grant', 700082, 'reconnect'],
      [400, 'invalid_grant', 50173, 'reconnect'],
      [400, 'invalid_grant', 50076, 'reconnect'],
      [400, 'invalid_grant', undefined, 'reconnect'],
      [400, 'interaction_required', 50079, 'reconnect'],
      [400, 'login_required', undefined, 'reconnect'],
      [400, 'invalid_grant', 65001, 'scope'],
      [400, 'consent_required', undefined, 'scope'],
      [400, 'invalid_grant', 90094, 'denied'],
      [400, 'invalid_grant', 50105, 'denied'],
      [400, 'access_denied', 53003, 'denied'],
      [401, 'invalid_client', 7000215, 'misconfigured'],
      [401, 'invalid_client', 7000222, 'misconfigured'],
      [400, 'unauthorized_client', 700016, 'misconfigured'],
      [400, 'invalid_request', 90002, 'misconfigured'],
      [400, 'invalid_scope', 70011, 'misconfigured'],
      [400, 'invalid_request', undefined, 'bad_response'],
      [400, 'temporarily_unavailable', undefined, 'transient'],
      [500, 'invalid_grant', undefined, 'transient'],
      [502, 'server_error', undefined, 'transient'],
    ];
    for (const [status, error, number, kind] of causes) {
      const error_codes = number === undefined ? undefined : [number];
      world.plan(/\/token/, status, { error, error_codes, error_description: 'hunter2' });
      const failure = await failureOf(world.provider.auth.refresh(sealed, world.fetch));
      expect(failure.kind, `${error} ${number}`).to.equal(kind);
      expect(failure.message).to.match(/^\p{Lu}.*\.$/u);
      expect(JSON.stringify([failure.message, failure.cause])).to.not.contain('hunter2');
    }
  });

  it('takes the number out of the words where it stands nowhere else', async () => {
    const sealed = sealedOf(await connect());
    world.plan(/\/token/, 400, { error: 'invalid_grant', error_description: 'AADSTS65001: No consent.' });
    expect((await failureOf(world.provider.auth.refresh(sealed, world.fetch))).kind).to.equal('scope');
  });

  it('brings what a policy demands to the next sign-in of that account, until it has succeeded', async () => {
    const sealed = sealedOf(await connect());
    const claims = '{"access_token":{"capolids":{"essential":true,"values":["1"]}}}';
    world.plan(/\/token/, 400, { error: 'interaction_required', error_codes: [50076], claims });
    expect((await failureOf(world.provider.auth.refresh(sealed, world.fetch))).kind).to.equal('reconnect');
    const asked = async (hint: string): Promise<string> =>
      new URL(await world.provider.auth.authorizationUrl(request(hint))).searchParams.get('claims') ?? '';
    expect(JSON.parse(await asked(ANN))).to.deep.include(JSON.parse(claims));
    expect(await asked('somebody@else.example')).to.not.contain('capolids');
    await connect();
    expect(await asked(ANN)).to.not.contain('capolids');
  });

  it('calls a grant that was ended dead', async () => {
    const sealed = sealedOf(await connect());
    world.sandbox.state.endGrants(ANN);
    expect((await failureOf(world.provider.auth.refresh(sealed, world.fetch))).kind).to.equal('reconnect');
  });

  it('calls a stored grant that is no cache, or names no account, dead without asking', async () => {
    const start = exchanges.length;
    for (const text of ['', 'hunter2', '{}', '[]', 'null', '{"RefreshToken":{}}']) {
      const error = await failureOf(world.provider.auth.refresh(new Secret(text), world.fetch));
      expect(error.kind, text).to.equal('reconnect');
    }
    expect(exchanges).to.have.length(start);
  });

  it('takes a page, or nothing, in place of tokens for a passing fault', async () => {
    const sealed = sealedOf(await connect());
    for (const body of ['<!doctype html>', '']) {
      world.plan(/\/token/, 200, body);
      expect((await failureOf(world.provider.auth.refresh(sealed, world.fetch))).kind).to.equal('transient');
    }
    const broken = world.provider.auth.refresh(sealed, () => Promise.reject(new TypeError('fetch failed')));
    expect((await failureOf(broken)).kind).to.equal('transient');
  });

  it('follows no redirect with a secret in hand', async () => {
    const sealed = sealedOf(await connect());
    world.plan(/\/token/, 307, '', { headers: { location: `${world.sandbox.url}/elsewhere` } });
    expect((await failureOf(world.provider.auth.refresh(sealed, world.fetch))).kind).to.equal('bad_response');
  });

  it('says which settings are missing', async () => {
    const provider = createMicrosoft365(parseConfig({}).microsoft);
    const error = await failureOf(provider.auth.authorizationUrl(request()));
    expect(error.kind).to.equal('misconfigured');
    expect(error.message).to.contain('MICROSOFT_CLIENT_SECRET');
  });

  it('knows the directory of an account without its id token too', async () => {
    const connection = world.connect();
    const other = createMicrosoft365(world.config.microsoft);
    expect((await other.auth.identify(connection)).id).to.equal(connection.accountId);
  });
});

describe('Microsoft 365, when it fails', () => {
  let world: World;

  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());

  const ref = `drive:${encodeURIComponent(driveIdOf('ann home'))}`;
  const failing = async (status: number, error: unknown, headers: Record<string, string> = {}) => {
    world.sandbox.state.failNext((path) => path.startsWith('/v1.0/drives'), { status, body: { error }, headers });
    return failureOf(world.provider.get(world.connect(), ref));
  };

  it('tells Graph’s codes apart', async () => {
    const codes: [number, string, string][] = [
      [401, 'InvalidAuthenticationToken', 'reconnect'],
      [403, 'insufficient_claims', 'reconnect'],
      [403, 'accessDenied', 'denied'],
      [403, 'Authorization_RequestDenied', 'scope'],
      [403, 'unheardOf', 'denied'],
      [403, 'constructor', 'denied'],
      [404, 'itemNotFound', 'gone'],
      [404, 'ResourceNotFound', 'gone'],
      [410, 'resyncRequired', 'cursor_expired'],
      [404, 'syncStateNotFound', 'cursor_expired'],
      [423, 'resourceLocked', 'denied'],
      [423, 'notAllowed', 'denied'],
      [429, 'activityLimitReached', 'rate_limited'],
      [429, 'accessDenied', 'rate_limited'],
      [509, 'bandwidthLimitExceeded', 'rate_limited'],
      [507, 'quotaLimitReached', 'denied'],
      [403, 'malwareDetected', 'malware'],
      [400, 'pathIsTooLong', 'not_downloadable'],
      [400, 'invalidRequest', 'bad_response'],
      [501, 'notSupported', 'denied'],
      [500, 'generalException', 'transient'],
      [503, 'serviceNotAvailable', 'transient'],
      [504, 'accessDenied', 'transient'],
    ];
    for (const [status, code, kind] of codes) {
      const error = await failing(status, { code, message: 'Words of Microsoft.' });
      expect(error.kind, code).to.equal(kind);
      expect(error.status).to.equal(status);
      expect(error.message)
        .to.match(/^\p{Lu}.*\.$/u)
        .and.not.to.contain('Words of Microsoft');
    }
  });

  it('goes by the innermost code that it knows, in either spelling', async () => {
    const inner = { code: 'unheardOf', date: 'now', 'request-id': 'request-1' };
    const nested = { code: 'malwareDetected', innerError: inner };
    const error = await failing(403, { code: 'accessDenied', message: 'No.', innererror: nested });
    expect(error).to.include({ kind: 'malware', requestId: 'request-1' });
  });

  it('takes a busy server that names a time for a throttle', async () => {
    const error = await failing(503, { code: 'serviceNotAvailable', message: '' }, { 'retry-after': '30' });
    expect(error.kind).to.equal('rate_limited');
    expect((error.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(25_000, 30_000);
  });

  it('calls a missing licence by its name', async () => {
    const error = await failing(400, { code: 'BadRequest', message: 'Tenant does not have a SPO license.' });
    expect(error.kind).to.equal('denied');
    expect(error.message).to.contain('licence');
  });

  it('takes an empty answer, as Graph gives under load, for a passing fault', async () => {
    world.sandbox.state.failNext((path) => path.startsWith('/v1.0/drives'), { status: 200, body: '' });
    expect((await failureOf(world.provider.get(world.connect(), ref))).kind).to.equal('transient');
  });

  it('leaves repeating to the connection', async () => {
    const asked: string[] = [];
    const connection = world.connect();
    const counting: typeof connection = {
      ...connection,
      fetch: (input) => {
        asked.push(addressOf(input));
        return Promise.resolve(new Response('', { status: 503 }));
      },
    };
    await failureOf(world.provider.get(counting, ref));
    expect(asked).to.have.length(1);
  });
});
