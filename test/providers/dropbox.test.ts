import { expect } from 'chai';
import { createDropbox } from '../../providers/dropbox/index.ts';
import type { Connection, Item } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { consent } from '../helpers/connect.ts';
import { describeProvider } from './contract.ts';
import { checkExchanges } from './dropbox-contract.ts';
import { describeWire, recording, type Exchange } from './exchanges.ts';
import { REDIRECT_URI, startVendor, startWorld, type World } from './dropbox-world.ts';
import { bytesOf, failureOf, listAll, named, never, walk } from './reading.ts';
import { ANN, BEN } from './world.ts';

const exchanges: Exchange[] = [];

describeProvider('Dropbox', () => startVendor(recording(exchanges)));

describe('Dropbox', () => {
  let world: World;
  let connection: Connection;
  let home: Item;
  let team: Item;
  let inHome: Item[];

  before(async () => {
    world = await startWorld(recording(exchanges));
    connection = world.connect();
    const roots = await world.provider.roots(connection);
    home = roots[0] ?? expect.fail('no home');
    team = roots[1] ?? expect.fail('no team space');
    inHome = await listAll(world.provider, connection, home.ref);
  });
  after(() => world.close());

  const refOf = (name: string): string => named(inHome, name).ref;
  const requestsSince = (mark: number) => world.sandbox.state.requests.slice(mark);
  const request = () => ({ state: 'state-1 &#+é', codeVerifier: 'v'.repeat(64), redirectUri: REDIRECT_URI });
  const codeFor = async (email: string): Promise<string> => {
    const back = await consent(await world.provider.auth.authorizationUrl(request()), 'Allow', { email });
    expect(back.searchParams.get('state')).to.equal(request().state);
    return back.searchParams.get('code') ?? '';
  };

  describe('connecting', () => {
    it('asks for lasting access, for approval every time, and for these scopes only', async () => {
      const url = new URL(await world.provider.auth.authorizationUrl(request()));
      expect(url.origin + url.pathname).to.equal(`${world.sandbox.url}/oauth2/authorize`);
      const params = Object.fromEntries(url.searchParams);
      expect(params).to.include({ token_access_type: 'offline', force_reapprove: 'true', response_type: 'code' });
      expect(params.scope).to.equal('account_info.read files.metadata.read files.content.read');
      expect(params).not.to.have.any.keys('include_granted_scopes', 'client_secret', 'code_verifier');
    });

    it('goes to Dropbox itself when nothing is overridden', async () => {
      const { dropbox } = parseConfig({ DROPBOX_APP_KEY: 'key', DROPBOX_APP_SECRET: 'hunter2' });
      const provider = createDropbox(dropbox);
      expect(await provider.auth.authorizationUrl(request())).to.match(
        /^https:\/\/www\.dropbox\.com\/oauth2\/authorize\?/,
      );
      const asked: string[] = [];
      const held: Connection = {
        ...connection,
        fetch: async (input) => {
          asked.push(input as string);
          throw new TypeError('fetch failed');
        },
      };
      await failureOf(provider.roots(held));
      await failureOf(provider.open(held, 'item:home:x', never()));
      expect(asked).to.deep.equal([
        'https://api.dropboxapi.com/2/users/get_current_account',
        'https://content.dropboxapi.com/2/files/download',
      ]);
    });

    it('sends the verifier and the secret with the code, both in the body', async () => {
      const code = await codeFor(ANN);
      const before = exchanges.length;
      await world.provider.auth.exchange({ ...request(), code }, world.fetch);
      const sent = exchanges.at(before);
      expect(sent?.url).to.equal(`${world.sandbox.url}/oauth2/token`);
      expect(Object.fromEntries(new URLSearchParams(sent?.body))).to.deep.equal({
        grant_type: 'authorization_code',
        code,
        code_verifier: request().codeVerifier,
        redirect_uri: REDIRECT_URI,
        client_id: 'app-key-1',
        client_secret: 'hunter2-app-secret',
      });
    });

    it('names the permission that the app was not given', async () => {
      world.plan(/oauth2\/token/, 200, {
        access_token: 'sl.x',
        token_type: 'bearer',
        expires_in: 14_400,
        refresh_token: 'r',
        scope: 'account_info.read files.metadata.read',
      });
      const error = await failureOf(world.provider.auth.exchange({ ...request(), code: 'x' }, world.fetch));
      expect(error.kind).to.equal('scope');
      expect(error.message).to.contain('files.content.read');
    });

    it('refuses a grant that would end in a few hours', async () => {
      world.plan(/oauth2\/token/, 200, { access_token: 'sl.x', token_type: 'bearer', expires_in: 14_400 });
      const error = await failureOf(world.provider.auth.exchange({ ...request(), code: 'x' }, world.fetch));
      expect(error.kind).to.equal('reconnect');
    });

    it('keeps the old refresh token, because a refresh brings none', async () => {
      const { refreshToken } = world.sandbox.state.issue(ANN);
      const sentAt = Date.now();
      const tokens = await world.provider.auth.refresh(new Secret(refreshToken), world.fetch);
      expect(tokens.refreshToken).to.equal(undefined);
      expect(tokens.expiresAt.getTime() - sentAt).to.be.within(14_400_000, 14_410_000);
    });

    it('refreshes before it revokes when the access token has run out', async () => {
      const { accessToken, refreshToken } = world.sandbox.state.issue(BEN);
      world.sandbox.state.expireTokens();
      connection = world.connect();
      const tokens = { accessToken: new Secret(accessToken), refreshToken: new Secret(refreshToken) };
      const from = world.mark();
      await world.provider.auth.revoke?.(tokens, world.fetch);
      expect(world.pathsSince(from)).to.deep.equal(['/2/auth/token/revoke', '/oauth2/token', '/2/auth/token/revoke']);
      expect(world.sandbox.state.revoked.at(-1)).to.equal(BEN);
      expect((await failureOf(world.provider.auth.refresh(tokens.refreshToken, world.fetch))).kind).to.equal(
        'reconnect',
      );
    });

    it('says when a grant could not be ended', async () => {
      const { accessToken, refreshToken } = world.sandbox.state.issue(BEN);
      const tokens = { accessToken: new Secret(accessToken), refreshToken: new Secret(refreshToken) };
      world.plan(/revoke/, 500);
      expect((await failureOf(world.provider.auth.revoke?.(tokens, world.fetch) ?? Promise.resolve())).kind).to.equal(
        'transient',
      );
    });
  });

  describe('roots', () => {
    it('are the own Dropbox and the team’s space; without a team there is one', async () => {
      expect([home.name, team.name]).to.deep.equal(['Dropbox', 'Team space']);
      expect(home.webUrl).to.equal('https://www.dropbox.com/home/Ann%20Oster');
      const bens = await world.provider.roots(world.connect(BEN));
      expect(bens.map(({ name, webUrl }) => [name, webUrl])).to.deep.equal([
        ['Dropbox', 'https://www.dropbox.com/home'],
      ]);
    });

    it('are read with the root they belong to, and only the team’s needs a header', async () => {
      const from = world.mark();
      await listAll(world.provider, connection, home.ref);
      expect(requestsSince(from).every(({ pathRoot }) => pathRoot === undefined)).to.equal(true);
      const then = world.mark();
      const inTeam = await listAll(world.provider, connection, team.ref);
      const space = team.ref.replace('team:', '');
      const listing = requestsSince(then).find(({ path }) => path === '/2/files/list_folder');
      expect(JSON.parse(listing?.pathRoot ?? '')).to.deep.equal({ '.tag': 'root', root: space });
      expect(inTeam.map(({ name }) => name)).to.deep.equal(['Nothing yet', 'Operations']);
      const operations = await listAll(world.provider, connection, named(inTeam, 'Operations').ref);
      const plans = await listAll(world.provider, connection, named(operations, 'Plans').ref);
      const opened = await world.provider.open(connection, named(plans, 'Team plan.txt').ref, never());
      expect((await bytesOf(opened)).toString()).to.equal('Words of Team plan.txt.');
      expect(requestsSince(then).at(-1)?.pathRoot).to.equal(listing?.pathRoot);
    });

    it('show the own Dropbox once, though the team’s space holds it too', async () => {
      const { files, folders } = await walk(world.provider, connection);
      expect(folders.map(({ name }) => name)).not.to.include('Ann Oster');
      expect(files.filter(({ name }) => name === 'Bottom.md')).to.have.length(1);
    });
  });

  describe('a team space that has become another', () => {
    const moved = (space: string) => ({
      error_summary: 'invalid_root/..',
      error: {
        '.tag': 'invalid_root',
        invalid_root: {
          '.tag': 'team',
          root_namespace_id: space,
          home_namespace_id: '5',
          home_path: '/Ann Oster',
        },
      },
    });
    const left = {
      error_summary: 'invalid_root/...',
      error: {
        '.tag': 'invalid_root',
        invalid_root: { '.tag': 'user', root_namespace_id: '5', home_namespace_id: '5' },
      },
    };
    const space = (): string => team.ref.replace('team:', '');

    it('is followed once, and its items say where they are now', async () => {
      const before = await listAll(world.provider, connection, team.ref);
      const stale = named(before, 'Operations').ref.replace(space(), '99');
      const from = world.mark();
      const items = await listAll(world.provider, connection, stale);
      expect(items.map(({ name }) => name)).to.deep.equal(['Plans', 'Top.txt']);
      for (const { ref, parentRef } of items) {
        expect(ref).to.contain(`:${space()}:`);
        expect(parentRef).to.equal(named(before, 'Operations').ref);
      }
      expect(world.pathsSince(from)).to.deep.equal(['/2/files/list_folder', '/2/files/list_folder']);
      expect((await world.provider.get(connection, stale)).ref).to.equal(named(before, 'Operations').ref);
      expect(await listAll(world.provider, connection, 'team:99')).to.deep.equal(before);
    });

    it('is followed once only', async () => {
      const from = world.mark();
      world.plan(/get_metadata/, 422, moved('98'));
      const error = await failureOf(world.provider.get(connection, `item:${space()}:x`));
      expect(error.kind).to.equal('gone');
      expect(requestsSince(from)).to.have.length(2);
    });

    it('is gone with all it held when the account has left its team', async () => {
      world.plan(/get_metadata/, 422, left);
      const from = world.mark();
      const error = await failureOf(world.provider.get(connection, `item:${space()}:x`));
      expect(error).to.include({ kind: 'gone', status: 422 });
      expect(requestsSince(from)).to.have.length(1);
      const ben = world.connect(BEN);
      for (const attempt of [world.provider.get(ben, team.ref), world.provider.list(ben, team.ref)])
        expect((await failureOf(attempt)).kind).to.equal('gone');
    });

    it('makes a list that was under way start over', async () => {
      const many = refOf('Many papers');
      const { next } = await world.provider.list(connection, many);
      world.plan(/list_folder\/continue/, 422, moved('98'));
      expect((await failureOf(world.provider.list(connection, many, next))).kind).to.equal('cursor_expired');
    });
  });
});

describeWire('Dropbox', exchanges, checkExchanges, {
  requests: 200,
  operations: [
    'auth/token/revoke',
    'dropbox.token',
    'files/download',
    'files/export',
    'files/get_metadata',
    'files/list_folder',
    'files/list_folder/continue',
    'files/search_v2',
    'users/get_current_account',
  ],
});
