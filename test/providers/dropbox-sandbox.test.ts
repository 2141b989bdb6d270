import { expect } from 'chai';
import { startDropboxSandbox, type DropboxSandbox } from '../../providers/dropbox/sandbox.ts';
import { createDropbox } from '../../providers/dropbox/index.ts';
import { headerJson } from '../../providers/dropbox/client.ts';
import { sandboxAccounts } from '../../providers/sandbox/sandbox-files.ts';
import { parseConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { consent } from '../helpers/connect.ts';
import { notRun } from '../helpers/requirements.ts';
import { checkExchanges } from './dropbox-contract.ts';
import { recording, type Exchange } from './exchanges.ts';
import { APP, REDIRECT_URI, startWorld, worldAccounts, type World } from './dropbox-world.ts';
import { bytesOf, connectionWith, walk } from './reading.ts';
import { ANN, BEN } from './world.ts';

const exchanges: Exchange[] = [];
const watched = recording(exchanges)(fetch);

describe('the stand-in for Dropbox', () => {
  let world: World;
  let sandbox: DropboxSandbox;
  let token: string;

  beforeEach(async () => {
    world = await startWorld();
    sandbox = world.sandbox;
    token = sandbox.state.issue(ANN).accessToken;
  });
  afterEach(() => world.close());

  type Sent = { headers?: Record<string, string>; body?: string; token?: string };
  const post = async (route: string, { headers = {}, body, token: other = token }: Sent = {}) => {
    const response = await watched(`${sandbox.url}/2/${route}`, {
      method: 'POST',
      headers: { ...(other === '' ? {} : { authorization: `Bearer ${other}` }), ...headers },
      body,
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const rpc = (route: string, arg: unknown, headers: Record<string, string> = {}) =>
    post(route, { body: JSON.stringify(arg), headers: { 'content-type': 'application/json', ...headers } });
  const tagOf = (text: string): unknown => (JSON.parse(text) as { error: Record<string, unknown> }).error['.tag'];

  it('takes arguments as its description has them, and explains in plain text what it does not take', async () => {
    const refused: [string, unknown][] = [
      ['files/list_folder', { path: '/' + 'a', limit: 2001 }],
      ['files/list_folder', { path: 'docs' }],
      ['files/list_folder', { path: '', recurse: true }],
      ['files/list_folder', {}],
      ['files/list_folder/continue', { cursor: '' }],
      ['files/list_folder/continue', { cursor: 'made up' }],
      ['files/get_metadata', { path: '' }],
      ['files/search_v2', { query: 'x'.repeat(1001) }],
    ];
    for (const [route, arg] of refused) {
      const { status, text, headers } = await rpc(route, arg);
      expect(status, JSON.stringify(arg)).to.equal(400);
      expect(headers.get('content-type')).to.match(/^text\/plain/);
      expect(text).to.contain(`API function "${route}"`);
    }
    expect((await post('files/list_folder', { body: '{"path":""}' })).status, 'no content type').to.equal(400);
    const noArgument = await post('users/get_current_account', {
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(noArgument.status, 'an argument where none belongs').to.equal(400);
    expect((await post('users/get_current_account')).status).to.equal(200);
  });

  it('reads the argument of a download from an ASCII header, escapes and all', async () => {
    const path = '/Übersicht łódź – 日本 🛥.txt';
    const good = await post('files/download', { headers: { 'dropbox-api-arg': headerJson({ path }) } });
    expect([good.status, good.text]).to.deep.equal([200, 'Words of Übersicht łódź – 日本 🛥.txt.']);
    expect(good.headers.get('dropbox-api-result')).to.match(/^[\x20-\x7e]+$/);
    const raw = await post('files/download', { headers: { 'dropbox-api-arg': JSON.stringify({ path: '/é.txt' }) } });
    expect(raw.status).to.equal(400);
    const typed = await post('files/download', {
      headers: { 'dropbox-api-arg': headerJson({ path }), 'content-type': 'application/json' },
    });
    expect(typed.status).to.equal(400);
    expect((await post('files/download')).status).to.equal(400);
  });

  it('keeps to the root that is asked for', async () => {
    const { text } = await post('users/get_current_account');
    const info = (JSON.parse(text) as { root_info: Record<string, string> }).root_info;
    const names = async (header?: unknown): Promise<string[]> => {
      const headers: Record<string, string> =
        header === undefined ? {} : { 'dropbox-api-path-root': JSON.stringify(header) };
      const page = JSON.parse((await rpc('files/list_folder', { path: '' }, headers)).text) as {
        entries: { name: string }[];
      };
      return page.entries.map(({ name }) => name);
    };
    expect(await names({ '.tag': 'root', root: info.root_namespace_id })).to.deep.equal([
      'Ann Oster',
      'Nothing yet',
      'Operations',
    ]);
    expect(await names())
      .to.include('Deep')
      .and.not.to.include('Operations');
    expect(await names({ '.tag': 'home' })).to.deep.equal(await names());
    expect(await names({ '.tag': 'namespace_id', namespace_id: info.home_namespace_id })).to.deep.equal(await names());
    const wrong = await rpc(
      'files/list_folder',
      { path: '' },
      { 'dropbox-api-path-root': '{".tag":"root","root":"1"}' },
    );
    expect([wrong.status, tagOf(wrong.text)]).to.deep.equal([422, 'invalid_root']);
    expect(wrong.text).to.contain(info.root_namespace_id);
  });

  it('binds a cursor to the root it was made with', async () => {
    const { text } = await post('users/get_current_account');
    const root = (JSON.parse(text) as { root_info: Record<string, string> }).root_info.root_namespace_id;
    const page = JSON.parse((await rpc('files/list_folder', { path: '/many papers', limit: 5 })).text) as {
      cursor: string;
    };
    const inTeam = { 'dropbox-api-path-root': JSON.stringify({ '.tag': 'root', root }) };
    const wrong = await rpc('files/list_folder/continue', { cursor: page.cursor }, inTeam);
    expect([wrong.status, tagOf(wrong.text)]).to.deep.equal([409, 'reset']);
    expect((await rpc('files/list_folder/continue', { cursor: page.cursor })).status).to.equal(200);
  });

  it('finds paths in any case, and lowers letters as Dropbox does', async () => {
    const { text } = await rpc('files/get_metadata', { path: '/İSTANBUL/strasse.TXT' });
    expect(JSON.parse(text)).to.include({ path_lower: '/İstanbul/strasse.txt', path_display: '/İSTANBUL/STRASSE.txt' });
    const missing = await rpc('files/get_metadata', { path: '/İSTANBUL/STRASSE.txt'.toLowerCase() });
    expect([missing.status, tagOf(missing.text)]).to.deep.equal([409, 'path']);
  });

  it('tells a token that has run out from one it does not know, and says which permission is missing', async () => {
    const old = sandbox.state.issue(ANN).accessToken;
    sandbox.state.expireTokens();
    const fresh = sandbox.state.issue(ANN).accessToken;
    expect((await post('users/get_current_account', { token: fresh })).status).to.equal(200);
    const expired = await post('users/get_current_account', { token: old });
    expect([expired.status, tagOf(expired.text)]).to.deep.equal([401, 'expired_access_token']);
    const unknown = await post('users/get_current_account', { token: 'sl.u.made-up' });
    expect([unknown.status, tagOf(unknown.text)]).to.deep.equal([401, 'invalid_access_token']);
    expect((await post('users/get_current_account', { token: '' })).status).to.equal(400);
    const narrow = sandbox.state.issue(ANN, ['account_info.read']).accessToken;
    const refused = await post('files/list_folder', {
      token: narrow,
      body: '{"path":""}',
      headers: { 'content-type': 'application/json' },
    });
    expect(refused.status).to.equal(401);
    expect((JSON.parse(refused.text) as { error: unknown }).error).to.deep.equal({
      '.tag': 'missing_scope',
      required_scope: 'files.metadata.read',
    });
  });

  it('shows the consent page only to a request that is complete', async () => {
    const good = new URL(
      await world.provider.auth.authorizationUrl({
        state: 's',
        codeVerifier: 'v'.repeat(64),
        redirectUri: REDIRECT_URI,
      }),
    );
    expect(await (await fetch(good)).text()).to.match(/>Deny<\/button>[^]*>Allow<\/button>/);
    for (const [name, value] of [
      ['client_id', 'another'],
      ['redirect_uri', 'javascript:alert(1)'],
      ['response_type', 'token'],
      ['scope', 'files.content.write'],
      ['code_challenge_method', 'plain'],
      ['token_access_type', 'forever'],
    ] as const) {
      const bad = new URL(good);
      bad.searchParams.set(name, value);
      expect((await fetch(bad)).status, name).to.equal(400);
    }
  });

  it('gives a refresh token for an offline grant only, and takes app key and secret as Basic too', async () => {
    const url = new URL(
      await world.provider.auth.authorizationUrl({
        state: 's',
        codeVerifier: 'v'.repeat(64),
        redirectUri: REDIRECT_URI,
      }),
    );
    url.searchParams.delete('token_access_type');
    const code = (await consent(url.href, 'Allow', { email: BEN })).searchParams.get('code') ?? '';
    const answer = await watched(`${sandbox.url}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${APP.appKey}:${APP.appSecret}`).toString('base64')}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        code_verifier: 'v'.repeat(64),
        redirect_uri: REDIRECT_URI,
      }),
    });
    expect(answer.status).to.equal(200);
    expect(await answer.json())
      .to.include.keys('access_token', 'account_id', 'uid')
      .and.not.to.have.any.keys('refresh_token');
  });

  it('keeps grants over a restart with the same key, and none without one', async () => {
    const accounts = worldAccounts();
    const start = (signingKey?: string) => startDropboxSandbox({ accounts, ...APP, signingKey });
    const first = await start('key');
    const { refreshToken } = first.state.issue(ANN);
    await first.close();
    for (const [key, works] of [
      ['key', true],
      ['other', false],
    ] as const) {
      const again = await start(key);
      const provider = createDropbox(parseConfig(again.env).dropbox);
      const outcome = await provider.auth.refresh(new Secret(refreshToken), fetch).then(
        () => true,
        () => false,
      );
      await again.close();
      expect(outcome, key).to.equal(works);
    }
  });

  it('slows down and breaks off when told to', async () => {
    sandbox.state.latencyMs = 120;
    const from = Date.now();
    await post('users/get_current_account');
    expect(Date.now() - from).to.be.at.least(115);
    sandbox.state.latencyMs = 0;
    sandbox.state.truncateNext((path) => path.includes('/files/download'));
    const broken = await post('files/download', { headers: { 'dropbox-api-arg': '{"path":"/large.bin"}' } }).catch(
      (error: unknown) => error,
    );
    expect(broken).to.be.instanceOf(TypeError);
    const whole = await post('files/download', { headers: { 'dropbox-api-arg': '{"path":"/large.bin"}' } });
    expect(whole.status).to.equal(200);
  });

  it('gives a cursor without a list, and echoes', async () => {
    const latest = await rpc('files/list_folder/get_latest_cursor', { path: '/many papers' });
    const { cursor } = JSON.parse(latest.text) as { cursor: string };
    const rest = JSON.parse((await rpc('files/list_folder/continue', { cursor })).text) as object;
    expect(rest).to.deep.include({ entries: [], has_more: false });
    expect(JSON.parse((await rpc('check/user', { query: 'foo' })).text)).to.deep.equal({ result: 'foo' });
    const all = JSON.parse((await rpc('files/list_folder', { path: '', recursive: true, limit: 2000 })).text) as {
      entries: { name: string }[];
    };
    expect(all.entries.map(({ name }) => name)).to.include.members(['Bottom.md', 'Deeper', 'In the folder.txt']);
  });

  it('exports in the formats it names, and in no other', async () => {
    const as = async (path: string, format?: string) => {
      const arg = { path, ...(format === undefined ? {} : { export_format: format }) };
      return post('files/export', { headers: { 'dropbox-api-arg': headerJson(arg) } });
    };
    expect((await as('/plan.paper', 'markdown')).text).to.equal('# Plan\n\nSail on <Sunday>.');
    const html = await as('/plan.paper');
    expect(html.text).to.contain('<h1>Plan</h1>\n<p>Sail on &#60;Sunday&#62;.</p>');
    for (const [path, format, tag] of [
      ['/plan.paper', 'pdf', 'invalid_export_format'],
      ['/a form.gform', undefined, 'non_exportable'],
      ['/nothing.txt', undefined, 'non_exportable'],
      ['/deep', undefined, 'path'],
    ] as const) {
      const { status, text } = await as(path, format);
      expect([status, tagOf(text)], path).to.deep.equal([409, tag]);
    }
    const plain = await post('files/download', { headers: { 'dropbox-api-arg': '{"path":"/plan.paper"}' } });
    expect([plain.status, tagOf(plain.text)]).to.deep.equal([409, 'unsupported_file']);
  });

  it('sees files that are added, renamed and removed while it runs', async () => {
    const [ann] = sandbox.state.accounts;
    const files = ann?.spaces[0]?.files ?? [];
    const names = async (): Promise<string> => (await rpc('files/list_folder', { path: '/deep/deeper' })).text;
    expect(await names()).to.contain('Bottom.md');
    const bottom = files.find(({ name }) => name === 'Bottom.md');
    if (bottom) bottom.name = 'Renamed.md';
    expect(await names()).to.contain('Renamed.md');
    files.splice(
      files.findIndex(({ name }) => name === 'Renamed.md'),
      1,
    );
    expect(await names()).not.to.contain('Renamed.md');
  });

  it('serves the sample company to each of its people, every file with what it announces', async () => {
    const company = await startWorld(undefined, await sandboxAccounts({}));
    try {
      for (const { email } of company.sandbox.state.accounts) {
        const connection = connectionWith(fetch, new Secret(company.sandbox.state.issue(email).accessToken));
        const { roots, files } = await walk(company.provider, connection);
        expect(roots).to.have.length(2);
        expect(files.length, email).to.be.greaterThan(25);
        for (const item of files.filter(({ importable, name }) => importable && name !== 'Bank Covenant Letter.pdf')) {
          const opened = await company.provider.open(connection, item.ref, { signal: new AbortController().signal });
          const bytes = await bytesOf(opened);
          expect(bytes.length, item.name).to.equal(opened.sizeBytes ?? bytes.length);
          expect(opened.mediaType, item.name).to.equal(item.mediaType);
          if (opened.name.endsWith('.md')) expect(bytes.toString(), item.name).to.match(/\S/);
        }
      }
    } finally {
      await company.close();
    }
  });
});

describe('the stand-in for Dropbox on the wire', () => {
  it('answers only what Dropbox’s own description of its API allows, also to those who ask wrongly', async () => {
    const checked = await checkExchanges(exchanges);
    if (!checked) {
      notRun('the check of the Dropbox stand-in against the vendor’s description', 'the description is not there');
      return;
    }
    // The requests are wrong on purpose; faults of answers begin with their status.
    expect(checked.faults.filter((fault) => /^\d{3} of /.test(fault))).to.deep.equal([]);
    expect(checked.answers).to.be.greaterThan(30);
  });
});
