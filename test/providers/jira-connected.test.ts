import { expect } from 'chai';
import type { Connection, Item } from '../../providers/provider.ts';
import type { Database } from '../../server/database/database.ts';
import { openTestDatabase } from '../helpers/database.ts';
import { asSecrets, connectFor, type Connected } from './connected.ts';
import { ann, FOR_IMPORT, pier, useWorld } from './jira-pier.ts';
import { ANN, BEN } from './atlassian-world.ts';
import { bytesOf, failureOf, listAll } from './reading.ts';

describe('Jira, connected by an API token', () => {
  const { used } = useWorld(() => [pier()]);
  const typed = (apiToken: string, email = ANN) => ({ baseUrl: `${used.site.url}/browse/EX-1`, email, apiToken });
  const connect = (given: Record<string, string>) =>
    used.world.provider.connectWithToken?.('api_token', given, used.world.fetch) ?? expect.fail('no token connection');

  it('knows the account by its id, and its address only where it is shown', async () => {
    const { state } = used.world.sandbox;
    const { account, site } = await connect(typed(state.apiToken(ANN)));
    expect(account).to.deep.equal({
      id: `${new URL(used.site.url).host}:${ann.accountId}`,
      email: ANN,
      name: 'Ann Oster',
    });
    expect(site).to.deep.equal({ url: used.site.url, apiUrl: used.site.url });
    const hidden = (await connect(typed(state.apiToken(BEN), BEN))).account;
    expect(hidden).to.deep.include({ email: undefined, name: 'Ben Weir' });
  });

  it('is refused with a wrong token, also where the site lets anybody in without a word', async () => {
    const { state } = used.world.sandbox;
    for (const asAnonymous of [false, true]) {
      state.signIn.asAnonymous = asAnonymous;
      const outcome = await connect(typed('ATATT3wrong=')).then(
        () => 'connected',
        (error: Error & { field?: string }) => error.field,
      );
      expect(outcome).to.equal('apiToken');
    }
  });

  it('asks the site itself, and names no cloud in refs', async () => {
    const { accessToken, site } = await connect(typed(used.world.sandbox.state.apiToken(ANN)));
    const connection: Connection = {
      integrationId: 'i',
      accountId: 'a',
      site,
      fetch: (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set('authorization', `Basic ${accessToken.reveal()}`);
        return used.world.fetch(input, { ...init, headers });
      },
    };
    const roots = await used.world.provider.roots(connection);
    expect(roots.map(({ ref }) => ref.split('/')[1])).to.deep.equal(['-', '-', '-']);
    const example = roots.find(({ name }) => name === 'Example')?.ref ?? '';
    const file = (await listAll(used.world.provider, connection, example, FOR_IMPORT)).find(
      ({ name }) => name === 'log.txt',
    );
    const opened = await used.world.provider.open(connection, file?.ref ?? '', {
      signal: new AbortController().signal,
    });
    expect((await bytesOf(opened)).toString()).to.equal('A log.');
    const paths = used.world.sandbox.state.requests.map(({ path }) => path);
    expect(paths.filter((path) => path.startsWith('/ex/'))).to.deep.equal([]);
  });
});

describe('Jira, connected', () => {
  let database: Database;
  let connected: Connected;
  const { used, project, asked } = useWorld(() => [pier()]);

  before(async () => {
    database = await openTestDatabase();
  });
  after(() => database.close());
  beforeEach(() => connect());

  const connect = async (scopes?: string[]): Promise<void> => {
    connected = await connectFor(database, used.world, asSecrets(used.world.sandbox.state.issue(ANN, scopes)));
  };
  const listAnd = (): Promise<Item[]> => listAll(used.world.provider, connected.connection, project('AND'));
  const roots = (): Promise<Item[]> => used.world.provider.roots(connected.connection);
  const isSearch = (path: string): boolean => path.includes('/search/jql');
  const TOKEN = 'POST /oauth/token';

  it('refreshes once when a token has run out, and keeps the new refresh token', async () => {
    const stored = await connected.refreshToken();
    used.world.sandbox.state.expireTokens();
    expect(await listAnd()).to.have.length(45);
    expect(asked().filter((path) => path === TOKEN)).to.have.length(1);
    expect(await connected.refreshToken())
      .to.be.a('string')
      .and.not.equal(stored);
  });

  it('asks the person to connect again when the grant is dead, which Atlassian says with a 403', async () => {
    used.world.sandbox.state.endGrants(ANN);
    expect((await failureOf(listAnd())).kind).to.equal('reconnect');
    expect(asked().filter((path) => path === TOKEN)).to.have.length(1);
    expect((await connected.reload()).status).to.equal('needs_reconnect');
  });

  it('asks for no new token when a permission is missing, and names it', async () => {
    await connect(['read:me', 'read:jira-user', 'offline_access']);
    const error = await failureOf(listAnd());
    expect(error.kind).to.equal('scope');
    expect(error.message).to.contain('read:jira-work');
    expect(asked()).not.to.include(TOKEN);
  });

  it('lets only the call wait whose own bucket is empty', async () => {
    used.world.sandbox.state.throttleNext({ match: isSearch, reason: 'jira-burst-based', seconds: 1 });
    const order: string[] = [];
    await Promise.all([
      listAnd().then((items) => order.push(`${items.length} issues`)),
      roots().then((items) => order.push(`${items.length} projects`)),
    ]);
    expect(order).to.deep.equal(['3 projects', '45 issues']);
  });

  it('lets everything wait until the next full hour when the points of the hour are used up', async () => {
    used.world.sandbox.state.throttleNext({ match: isSearch, reason: 'jira-quota-tenant-based', seconds: 1 });
    const error = await failureOf(listAnd());
    expect(error.kind).to.equal('rate_limited');
    const until = error.retryAt ?? new Date(NaN);
    expect([until.getUTCMinutes(), until.getTime() > Date.now()]).to.deep.equal([0, true]);
    const before = asked().length;
    expect((await failureOf(roots())).kind).to.equal('rate_limited');
    expect(asked()).to.have.length(before);
  });
});
