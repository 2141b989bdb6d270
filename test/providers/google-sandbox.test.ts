import { expect } from 'chai';
import { parseFields, applyMask, FieldsError } from '../../providers/google-drive/sandbox-fields.ts';
import { parseQuery, QueryError, type Queried } from '../../providers/google-drive/sandbox-query.ts';
import { startGoogleSandbox, type GoogleSandbox } from '../../providers/google-drive/sandbox.ts';
import { consent } from '../helpers/connect.ts';
import { CLIENT, DRIVE_SCOPE, idOf, REDIRECT_URI, worldAccounts } from './google-world.ts';
import { ANN, BEN } from './world.ts';

const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
/** The pair of RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

type Answer = {
  [field: string]: unknown;
  error: { code: number; errors: { reason: string; location?: string }[] };
};

describe('the stand-in for Google', () => {
  let sandbox: GoogleSandbox;
  before(async () => {
    sandbox = await startGoogleSandbox({ accounts: worldAccounts(), ...CLIENT });
  });
  after(() => sandbox.close());

  const authUrl = (changes: Record<string, string | undefined> = {}): string => {
    const url = new URL(`${sandbox.url}/o/oauth2/v2/auth`);
    const params = {
      client_id: CLIENT.clientId,
      redirect_uri: REDIRECT_URI,
      response_type: 'code',
      scope: `openid email ${DRIVE_SCOPE}`,
      state: 'a state & more',
      code_challenge: CHALLENGE,
      code_challenge_method: 'S256',
      access_type: 'offline',
      ...changes,
    };
    for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.set(name, value);
    return url.href;
  };
  const tokenRequest = async (
    form: Record<string, string>,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const answer = await fetch(`${sandbox.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret, ...form }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const get = async (path: string, token = sandbox.state.issue(ANN).accessToken) => {
    const answer = await fetch(sandbox.url + path, { headers: { authorization: `Bearer ${token}` } });
    return { status: answer.status, body: (await answer.json()) as Answer };
  };
  const files = (params: Record<string, string>) => get(`/drive/v3/files?${new URLSearchParams(params).toString()}`);

  describe('its consent page', () => {
    it('names the app, lets choose an account, says what is asked for, and offers Allow and Deny', async () => {
      const answer = await fetch(authUrl());
      const page = await answer.text();
      expect(answer.headers.get('content-type')).to.match(/^text\/html/);
      expect(page).to.contain('<html lang="en">').and.to.contain('Tributary wants access to your Google Account');
      expect(page).to.contain(ANN).and.to.contain(BEN).and.to.contain(DRIVE_SCOPE);
      expect(page)
        .to.match(/<button[^>]*>Allow<\/button>/)
        .and.to.match(/<button[^>]*>Deny<\/button>/);
      expect(page).not.to.contain('<script');
    });

    it('chooses the account that the app hints at', async () => {
      const page = await (await fetch(authUrl({ login_hint: BEN }))).text();
      expect(/value="(\d+)" required checked/.exec(page)?.[1]).to.equal('100000000000000000002');
    });

    it('shows no words of a request as markup', async () => {
      const page = await (await fetch(authUrl({ scope: '<script>alert(1)</script>' }))).text();
      expect(page).not.to.contain('<script>alert');
    });

    it('explains a faulty request instead of sending anybody anywhere', async () => {
      const faults: [Record<string, string | undefined>, string][] = [
        [{ client_id: 'another' }, 'invalid_client'],
        [{ redirect_uri: undefined }, 'redirect_uri_mismatch'],
        [{ redirect_uri: 'javascript:alert(1)' }, 'redirect_uri_mismatch'],
        [{ redirect_uri: '/relative' }, 'redirect_uri_mismatch'],
        [{ response_type: 'token' }, 'unsupported_response_type'],
        [{ scope: undefined }, 'invalid_request'],
        [{ scope: 'openid everything' }, 'invalid_scope'],
        [{ code_challenge: undefined }, 'invalid_request'],
        [{ code_challenge: 'short' }, 'invalid_request'],
        [{ code_challenge_method: 'plain' }, 'invalid_request'],
      ];
      for (const [changes, code] of faults) {
        const answer = await fetch(authUrl(changes), { redirect: 'manual' });
        expect(answer.status).to.equal(400);
        expect(await answer.text()).to.contain(`Error 400: ${code}`);
      }
    });

    it('takes a decision only with the request it was shown for', async () => {
      const body = new URLSearchParams({ request: 'made.up', account: '100000000000000000001', decision: 'allow' });
      const answer = await fetch(authUrl(), { method: 'POST', body, redirect: 'manual' });
      expect(answer.status).to.equal(400);
    });

    it('sends a refusal and the state back', async () => {
      const back = await consent(authUrl(), 'Deny', { email: ANN });
      expect(Object.fromEntries(back.searchParams)).to.deep.equal({ state: 'a state & more', error: 'access_denied' });
    });
  });

  describe('its tokens', () => {
    const newCode = async (changes: Record<string, string | undefined> = {}): Promise<string> =>
      (await consent(authUrl(changes), 'Allow', { email: ANN })).searchParams.get('code') ?? '';
    const exchange = (code: string, changes: Record<string, string> = {}) =>
      tokenRequest({
        grant_type: 'authorization_code',
        code,
        redirect_uri: REDIRECT_URI,
        code_verifier: VERIFIER,
        ...changes,
      });

    it('come for a code with the right verifier, redirect URI and secret, once', async () => {
      expect((await exchange(await newCode(), { code_verifier: 'x'.repeat(43) })).body.error).to.equal('invalid_grant');
      expect((await exchange(await newCode(), { redirect_uri: 'http://localhost/x' })).body.error).to.equal(
        'redirect_uri_mismatch',
      );
      expect((await exchange(await newCode(), { client_secret: 'x' })).body.error).to.equal('invalid_client');
      const code = await newCode();
      const { status, body } = await exchange(code);
      expect(status).to.equal(200);
      expect(body).to.include({ expires_in: 3599, token_type: 'Bearer', scope: `openid email ${DRIVE_SCOPE}` });
      expect(body.refresh_token).to.match(/^1\/\//);
      expect((await exchange(code)).body).to.include({ error: 'invalid_grant' });
    });

    it('last an hour only where no lasting access was asked for', async () => {
      const { body } = await exchange(await newCode({ access_type: undefined }));
      expect(body).to.have.property('access_token');
      expect(body).not.to.have.property('refresh_token');
    });

    it('end when the grant is revoked by either of them', async () => {
      for (const kind of ['accessToken', 'refreshToken'] as const) {
        const tokens = sandbox.state.issue(BEN);
        const other = sandbox.state.issue(BEN);
        const body = new URLSearchParams({ token: tokens[kind] });
        expect((await fetch(`${sandbox.url}/revoke`, { method: 'POST', body })).status).to.equal(200);
        expect((await fetch(`${sandbox.url}/revoke`, { method: 'POST', body })).status).to.equal(400);
        expect((await get('/oauth2/v3/userinfo', tokens.accessToken)).status).to.equal(401);
        const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refreshToken };
        expect((await tokenRequest(refresh)).body.error).to.equal('invalid_grant');
        expect((await get('/oauth2/v3/userinfo', other.accessToken)).status).to.equal(200);
      }
      expect(sandbox.state.revoked).to.deep.equal([BEN, BEN]);
    });

    it('can be let expire, and a refresh gives one that works', async () => {
      const { accessToken, refreshToken } = sandbox.state.issue(BEN);
      sandbox.state.expireAccessTokens();
      expect((await get('/oauth2/v3/userinfo', accessToken)).status).to.equal(401);
      const { body } = await tokenRequest({ grant_type: 'refresh_token', refresh_token: refreshToken });
      expect(body).not.to.have.property('refresh_token');
      expect((await get('/oauth2/v3/userinfo', String(body.access_token))).status).to.equal(200);
    });

    it('outlive a restart with the same key, and mean nothing under another', async () => {
      const options = { accounts: worldAccounts(), ...CLIENT };
      const first = await startGoogleSandbox({ ...options, signingKey: 'key one' });
      const { accessToken } = first.state.issue(ANN);
      await first.close();
      const statuses: number[] = [];
      for (const signingKey of ['key one', 'key two']) {
        const next = await startGoogleSandbox({ ...options, signingKey });
        const headers = { authorization: `Bearer ${accessToken}` };
        statuses.push((await fetch(`${next.url}/oauth2/v3/userinfo`, { headers })).status);
        await next.close();
      }
      expect(statuses).to.deep.equal([200, 401]);
    });

    it('say no more of a person than was granted', async () => {
      const { accessToken } = sandbox.state.issue(ANN, ['openid', 'email']);
      const { body } = await get('/oauth2/v3/userinfo', accessToken);
      expect(body).to.deep.equal({ sub: '100000000000000000001', email: ANN, email_verified: true });
    });
  });

  describe('its Drive', () => {
    it('gives the default fields only, unless more are asked for', async () => {
      const { body } = await get(`/drive/v3/files/${idOf('twin 1')}`);
      expect(body).to.deep.equal({ kind: 'drive#file', id: idOf('twin 1'), name: 'Twin.txt', mimeType: 'text/plain' });
      const masked = await get(`/drive/v3/files/${idOf('twin 1')}?fields=size,capabilities/canDownload`);
      expect(masked.body).to.deep.equal({ size: '9', capabilities: { canDownload: true } });
    });

    it('hides an item of a shared drive from those who do not say that they know shared drives', async () => {
      expect((await get(`/drive/v3/files/${idOf('plan')}`)).status).to.equal(404);
      expect((await get(`/drive/v3/files/${idOf('plan')}?supportsAllDrives=true`)).status).to.equal(200);
      const q = "name contains 'Plan.'";
      expect((await files({ q })).body.files).to.deep.equal([]);
      const everywhere = { supportsAllDrives: 'true', includeItemsFromAllDrives: 'true', corpora: 'allDrives' };
      expect((await files({ q, ...everywhere })).body.files).to.have.length(1);
    });

    it('lists ten shared drives at a time unless told otherwise', async () => {
      const { body } = await get('/drive/v3/drives');
      expect(body.drives).to.have.length(10);
      expect(body.nextPageToken).to.be.a('string');
    });

    it('takes a page token only with the query it came from', async () => {
      const { body } = await files({ pageSize: '10' });
      expect((await files({ pageSize: '10', pageToken: String(body.nextPageToken) })).status).to.equal(200);
      const wrongs: Record<string, string>[] = [
        { pageSize: '11', pageToken: String(body.nextPageToken) },
        { pageToken: 'made up' },
      ];
      for (const wrong of wrongs) {
        const refused = await files(wrong);
        expect(refused.status).to.equal(400);
        expect(refused.body.error.errors[0]).to.include({ reason: 'invalid', location: 'pageToken' });
      }
    });

    it('refuses what Google refuses', async () => {
      const faults: [string, number, string][] = [
        ["/drive/v3/files?q=name ~ 'x'", 400, 'invalid'],
        ['/drive/v3/files?pageSize=1001', 400, 'invalidParameter'],
        ['/drive/v3/files?fields=files(nonsense)', 400, 'invalidParameter'],
        ['/drive/v3/files?fields=files(id', 400, 'invalidParameter'],
        ['/drive/v3/files?orderBy=colour', 400, 'invalid'],
        ["/drive/v3/files?q=fullText contains 'x'&orderBy=name", 403, 'forbidden'],
        ["/drive/v3/files?q='nowhere' in parents", 404, 'notFound'],
        ['/drive/v3/files?corpora=drive', 400, 'invalid'],
        ['/drive/v3/files?includeItemsFromAllDrives=true', 403, 'teamDrivesNotSupported'],
        ['/drive/v3/files/nowhere', 404, 'notFound'],
        [`/drive/v3/files/${idOf('doc')}?alt=media`, 403, 'fileNotDownloadable'],
        [`/drive/v3/files/${idOf('locked')}?alt=media`, 403, 'cannotDownloadFile'],
        [`/drive/v3/files/${idOf('twin 1')}/export?mimeType=text/plain`, 403, 'fileNotExportable'],
        [`/drive/v3/files/${idOf('doc')}/export`, 400, 'required'],
        [`/drive/v3/files/${idOf('doc')}/export?mimeType=image/gif`, 400, 'badRequest'],
        ['/drive/v3/about', 400, 'required'],
        ['/drive/v3/nonsense', 404, 'notFound'],
      ];
      for (const [path, status, reason] of faults) {
        const answer = await get(path);
        expect([answer.status, answer.body.error?.errors?.[0]?.reason], path).to.deep.equal([status, reason]);
        expect(answer.body.error.code).to.equal(status);
      }
    });

    it('asks for a token, and for the permission', async () => {
      expect((await get('/drive/v3/files', 'nonsense')).body.error.errors[0]?.reason).to.equal('authError');
      const { accessToken } = sandbox.state.issue(ANN, ['openid']);
      const refused = await get('/drive/v3/files', accessToken);
      expect(refused.body.error.errors[0]?.reason).to.equal('insufficientPermissions');
    });

    it('answers as planned, as often as planned, and remembers every request', async () => {
      const start = sandbox.state.requests.length;
      sandbox.state.failNext((path) => path.startsWith('/drive/v3/about'), { status: 418, body: { tea: true } }, 2);
      const path = '/drive/v3/about?fields=user';
      const statuses = [await get(path), await get(path), await get(path)].map(({ status }) => status);
      expect(statuses).to.deep.equal([418, 418, 200]);
      expect(sandbox.state.requests.slice(start)).to.deep.equal(Array(3).fill({ method: 'GET', path }));
    });
  });
});

describe('the stand-in’s query language', () => {
  const file: Queried = {
    name: "Ann's HelloWorld plan.txt",
    mimeType: 'text/plain',
    modifiedTime: '2026-03-01T10:00:00Z',
    parents: ['folder-1'],
    trashed: false,
    starred: false,
    sharedWithMe: false,
    text: 'Ferries cross the bay at noon.',
  };
  const matches = (q: string): boolean => parseQuery(q).matches(file);

  it('finds by parent, name, type, date, words and flags', () => {
    for (const q of [
      "'folder-1' in parents",
      "name = 'ann\\'s helloworld PLAN.txt'",
      "name contains 'Hello'",
      "name contains 'plan'",
      "mimeType = 'text/plain'",
      "mimeType contains 'text/'",
      "mimeType != 'application/pdf'",
      "modifiedTime > '2026-01-01T00:00:00'",
      "fullText contains 'bay ferries'",
      'fullText contains \'"cross the bay"\'',
      'trashed = false',
      'trashed != true and sharedWithMe = false',
      "not name contains 'other'",
      "name contains 'other' or (trashed = false and not sharedWithMe = true)",
      "name contains 'x' and name contains 'y' or trashed=false",
    ])
      expect(matches(q), q).to.equal(true);
  });

  it('does not find what does not match', () => {
    for (const q of [
      "'folder-2' in parents",
      "name contains 'World'",
      "name = 'plan'",
      "fullText contains 'bay harbour'",
      'fullText contains \'"bay ferries"\'',
      'sharedWithMe = true',
      "not (name contains 'plan')",
    ])
      expect(matches(q), q).to.equal(false);
  });

  it('refuses everything else', () => {
    for (const q of [
      'name',
      "name = 'unclosed",
      "name like 'x'",
      'trashed = maybe',
      "trashed = 'false'",
      "colour = 'red'",
      "name = 'a' name = 'b'",
      "(name = 'a'",
      "name = 'a' and",
      "name = 'a\\n'",
      "'a' in owners",
      'fullText = 1',
    ])
      expect(() => parseQuery(q), q).to.throw(QueryError);
  });
});

describe('the stand-in’s field masks', () => {
  const value = { id: '1', size: '2', capabilities: { a: true, b: { c: 1, d: 2 } }, files: [{ id: 'x', name: 'y' }] };

  it('give what is named, inside lists and objects too', () => {
    const masked = (fields: string): unknown => applyMask(value, parseFields(fields));
    expect(masked('*')).to.deep.equal(value);
    expect(masked('id,missing')).to.deep.equal({ id: '1' });
    expect(masked('files/id')).to.deep.equal({ files: [{ id: 'x' }] });
    expect(masked('files(id,name),capabilities/b/c')).to.deep.equal({
      capabilities: { b: { c: 1 } },
      files: value.files,
    });
    expect(masked('capabilities(a,b(d)),capabilities/b/c')).to.deep.equal({
      capabilities: { a: true, b: { d: 2, c: 1 } },
    });
  });

  it('are refused when they are malformed', () => {
    for (const fields of ['', 'id,', 'files(id', 'files(id))', 'a//b', '(id)', 'id;name', '/id'])
      expect(() => parseFields(fields), fields).to.throw(FieldsError);
  });
});
