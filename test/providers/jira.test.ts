import { expect } from 'chai';
import { TypedError } from '../../providers/errors.ts';
import type { Connection, Item } from '../../providers/provider.ts';
import type { Database } from '../../server/database/database.ts';
import { openTestDatabase } from '../helpers/database.ts';
import { notRun } from '../helpers/requirements.ts';
import { asSecrets, connectFor } from './connected.ts';
import { describeProvider } from './contract.ts';
import { recording, type Exchange } from './exchanges.ts';
import { checkJiraExchanges } from './jira-contract.ts';
import { ANN, BEN, type AtlassianWorld } from './atlassian-world.ts';
import { harbour, quay, startVendor, startWorld } from './jira-world.ts';
import { bytesOf, failureOf, listAll, walk } from './reading.ts';

const exchanges: Exchange[] = [];
const watched = recording(exchanges);
const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });

describeProvider('Jira', () => startVendor(watched));

describe('Jira', () => {
  let world: AtlassianWorld;
  let site: ReturnType<typeof harbour>;
  let connection: Connection;

  beforeEach(async () => {
    site = harbour();
    world = await startWorld([site], watched);
    connection = world.connect();
  });
  afterEach(() => world.close());

  const refOf = (key: string): string => `issue/${site.cloudId}/${site.jira.issue(key).id}`;
  const search = async (query: string): Promise<Item[]> =>
    (await world.provider.search?.(connection, query))?.items ?? expect.fail('no search');

  it('shows none of the attachments of a site where they are switched off', async () => {
    const [log] = await listAll(world.provider, connection, refOf('OR-2'));
    site.jira.attachmentsEnabled = false;
    expect((await failureOf(world.provider.open(connection, log?.ref ?? '', never()))).kind).to.equal('gone');
    expect(await listAll(world.provider, connection, refOf('OR-2'))).to.be.empty;
  });

  it('finds issues by a query, whatever stands in it, and says when it is none', async () => {
    const [folder, first] = await search('jql: project = "OR" AND labels in (pier, "birds") ORDER BY key');
    expect(folder?.name).to.equal('All 1 issues found by: project = "OR" AND labels in (pier, "birds") ORDER BY key');
    expect(first?.ref).to.equal(refOf('OR-2'));
    const listed = await listAll(world.provider, connection, folder?.ref ?? '');
    expect(listed.map(({ ref }) => ref)).to.deep.equal([refOf('OR-2')]);
    expect(await search('jql: project = "OR" AND labels = none')).to.deep.equal([]);
    for (const query of ['project = OR', 'ORDER BY updated', 'colour = red', 'project = "NONE"', '"'])
      expect((await failureOf(search(`jql: ${query}`))).message, query).to.contain('does not understand');
  });

  it('says what a query’s folder cannot be listed for once the query is none any more', async () => {
    const [folder] = await search('jql: project = "OR"');
    for (const issue of [...site.jira.issues]) if (issue.project.key === 'OR') site.jira.removeIssue(issue.key);
    site.jira.projects.splice(
      site.jira.projects.findIndex(({ key }) => key === 'OR'),
      1,
    );
    expect((await failureOf(listAll(world.provider, connection, folder?.ref ?? ''))).message).to.contain(
      'does not understand',
    );
  });

  it('gives people’s names, and never their addresses', async () => {
    const opened = await world.provider.open(connection, refOf('OR-2'), never());
    const html = (await bytesOf(opened)).toString();
    expect(html).to.contain('<li>Assignee: Ben Weir</li>').and.not.to.contain(BEN);
    expect(html).to.contain('<li>Sprint: Sprint 7</li>');
    expect(html).to.contain('<li>Ship: Curlew</li>');
    expect(opened.details).to.deep.include({ Key: 'OR-2', Assignee: 'Ben Weir', Labels: ['pier', 'birds'] });
  });
});

describe('Jira at several sites', () => {
  let world: AtlassianWorld;
  let sites: ReturnType<typeof harbour>[];

  beforeEach(async () => {
    sites = [harbour(), quay()];
    world = await startWorld(sites, watched);
  });
  afterEach(() => world.close());

  it('shows each as a folder with all that is in it, and finds things in all of them', async () => {
    const connection = world.connect();
    const roots = await world.provider.roots(connection);
    expect(roots.map(({ name, webUrl }) => [name, webUrl])).to.deep.equal(sites.map(({ name, url }) => [name, url]));
    const { files, folders } = await walk(world.provider, connection);
    expect(files).to.have.length(130 + 2 + 3 + 3);
    for (const folder of folders) expect(await world.provider.get(connection, folder.ref)).to.deep.equal(folder);
    const found = await world.provider.search?.(connection, 'issue 2');
    const owners = new Set(found?.items.map(({ webUrl }) => new URL(webUrl ?? '').origin));
    expect(owners).to.deep.equal(new Set(sites.map(({ url }) => url)));
  });

  it('shows the projects at once to whom only one is open', async () => {
    const roots = await world.provider.roots(world.connect(BEN));
    expect(roots.map(({ name }) => name)).to.include('Anders');
  });

  it('searches on where one no longer lets the account in', async () => {
    const connection = world.connect();
    await world.provider.roots(connection);
    const refusal = { status: 403, body: {}, headers: { 'x-planned': 'yes' } };
    world.sandbox.state.failNext((path) => path.includes(sites[1]?.cloudId ?? ''), refusal);
    const found = await world.provider.search?.(connection, 'kittiwake');
    expect(found?.items).to.have.length(1);
  });
});

describe('Jira by API token', () => {
  let world: AtlassianWorld;
  let site: ReturnType<typeof harbour>;
  let typed: { baseUrl: string; email: string; apiToken: string };

  beforeEach(async () => {
    site = harbour();
    world = await startWorld([site]);
    typed = { baseUrl: `${site.url}/browse/OR-2`, email: ANN, apiToken: world.sandbox.state.apiToken(ANN) };
  });
  afterEach(() => world.close());

  const refusal = async (changes: Partial<typeof typed>): Promise<TypedError> => {
    const outcome: unknown = await world
      .connectTyped('api_token', { ...typed, ...changes })
      .catch((error: unknown) => error);
    expect(outcome).to.be.instanceOf(TypedError);
    return outcome as TypedError;
  };

  it('reads all that a consent would, and asks the gateway for nothing', async () => {
    const connection = await world.connectTyped('api_token', typed);
    const { files } = await walk(world.provider, connection);
    expect(files).to.have.length(130 + 2 + 3);
    const pdf = files.find(({ mediaType }) => mediaType === 'application/pdf');
    const opened = await world.provider.open(connection, pdf?.ref ?? '', never());
    expect(await bytesOf(opened)).to.have.length(200_000);
    const sent = world.sandbox.state.requests;
    expect(sent.filter(({ url }) => url.startsWith(world.sandbox.url))).to.be.empty;
    expect(new Set(sent.map(({ authorization }) => authorization))).to.deep.equal(new Set(['Basic', undefined]));
  });

  it('reads from the gateway with a token of chosen permissions, which works nowhere else', async () => {
    const apiToken = world.sandbox.state.scopedToken(ANN, ['read:jira-work', 'read:jira-user']);
    const connection = await world.connectTyped('api_token', { ...typed, apiToken });
    expect(connection.site).to.deep.equal({ url: site.url, apiUrl: `${world.sandbox.url}/ex/jira/${site.cloudId}` });
    world.sandbox.state.requests.length = 0;
    const [root] = await world.provider.roots(connection);
    expect(await listAll(world.provider, connection, root?.ref ?? '')).to.have.length(130);
    expect(world.sandbox.state.requests.every(({ url }) => url.startsWith(world.sandbox.url))).to.equal(true);
    const lacking = await refusal({ apiToken: world.sandbox.state.scopedToken(ANN, ['read:jira-work']) });
    expect(lacking.message).to.contain('read:jira-user');
  });

  it('says so when a site asks for a CAPTCHA, and when the hub may not reach an address', async () => {
    world.sandbox.state.signIn.mostAttempts = 1;
    await refusal({ apiToken: 'ATATT3wrong' });
    expect((await refusal({})).message).to.contain('CAPTCHA');
    const { field, message } = await refusal({ baseUrl: 'https://jira.corp.example' });
    expect(field).to.equal('baseUrl');
    expect(message).to.contain('EGRESS_ALLOWED_HOSTS');
  });
});

describe('a grant of Jira', () => {
  let database: Database;
  let world: AtlassianWorld;

  before(async () => {
    database = await openTestDatabase();
  });
  after(() => database.close());
  beforeEach(async () => {
    world = await startWorld([harbour()]);
  });
  afterEach(() => world.close());

  it('is refreshed once for twenty requests at a time, and keeps its refresh token where no new one comes', async () => {
    const tokens = world.sandbox.state.issue(ANN);
    const connected = await connectFor(database, world, asSecrets(tokens));
    world.sandbox.state.rotation.rotates = false;
    world.sandbox.state.expireTokens();
    await Promise.all(Array.from({ length: 20 }, () => world.provider.roots(connected.connection)));
    expect(world.sandbox.state.requests.filter(({ path }) => path === '/oauth/token')).to.have.length(1);
    expect(await connected.refreshToken()).to.equal(tokens.refreshToken);
  });
});

describe('Jira and its own description', () => {
  it('agree in every request that was sent here and every answer that the stand-in gave', async () => {
    const checked = await checkJiraExchanges(exchanges);
    if (!checked) return notRun('the check of Jira against the vendor’s description', 'the description is not there');
    expect(checked.faults).to.deep.equal([]);
    expect(checked.operations.filter((operation) => operation.startsWith('unknown'))).to.deep.equal([]);
    expect(checked.checked).to.be.greaterThan(100);
  });
});
