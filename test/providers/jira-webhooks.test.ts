import { expect } from 'chai';
import { SignJWT, UnsecuredJWT } from 'jose';
import { apiTokenOf } from '../../providers/atlassian/sandbox-callers.ts';
import type { Connection, StandingWatch, WebhookVerdict, Webhooks } from '../../providers/provider.ts';
import { Secret } from '../../server/secret.ts';
import { waitFor } from '../helpers/wait.ts';
import { pier, siteWith, useWorld } from './jira-pier.ts';
import { ANN, BEN, CLIENT } from './atlassian-world.ts';
import { failureOf } from './reading.ts';
import { callWith, startReceiver, type Receiver } from './webhook-receiver.ts';

const DAY_MS = 24 * 3_600_000;
const SECRET = new Secret('not used: calls are signed with the app’s secret');
const REFUSED: WebhookVerdict = { kind: 'refused' };
const EVERYTHING = ['read:me', 'read:jira-user', 'read:jira-work', 'manage:jira-webhook', 'offline_access'];
const EVENTS = ['created', 'updated', 'deleted'].flatMap((what) => [`jira:issue_${what}`, `comment_${what}`]);

const keyOf = (secret: string): Uint8Array => new TextEncoder().encode(secret);
const signed = (claims: object = {}, { alg = 'HS256', secret = CLIENT.clientSecret, until = '3m' } = {}) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg, typ: 'JWT' })
    .setIssuedAt()
    .setExpirationTime(until)
    .sign(keyOf(secret));

describe('the webhooks of Jira', () => {
  const { used, asked } = useWorld(() => [
    pier(),
    siteWith('quay', (jira) => void jira.addProject({ key: 'EX', name: 'Quay', issues: 2 })),
  ]);
  let hooks: Webhooks;
  let receiver: Receiver;
  let watches: StandingWatch[];
  beforeEach(async () => {
    hooks = used.world.provider.webhooks ?? expect.fail('Jira makes no calls');
    watches = [];
    receiver = await startReceiver((call) => hooks.receive(call, watches));
    receiver.url += '/webhooks/jira';
  });
  afterEach(() => receiver.close());

  const state = () => used.world.sandbox.state;
  const otherSite = () => state().sites[1] ?? expect.fail('there is one site');
  const ask = (feed = used.site.cloudId, more: { address?: string; connection?: Connection } = {}) => {
    const { connection = used.connection, address = receiver.url } = more;
    return (
      hooks.watch?.(connection, feed, { address, secret: SECRET, id: 'given' }) ?? expect.fail('nothing is ordered')
    );
  };
  const watch = async (feed = used.site.cloudId, more: Parameters<typeof ask>[1] = {}): Promise<StandingWatch> => {
    const made = { ...((await ask(feed, more)) ?? expect.fail('it is not watched')), feed, secret: SECRET };
    watches.push(made);
    return made;
  };
  const plan = (path: RegExp, status: number, body?: unknown, times?: number) =>
    state().failNext((url) => path.test(url), { status, body, headers: { 'x-planned': 'yes' } }, times);
  const numbered = (id: string): number => Number(id.split('/')[1]);
  const standing = (id: string, site?: string): StandingWatch => ({
    id,
    feed: 'feed',
    secret: SECRET,
    data: site === undefined ? undefined : { site },
  });
  const hear = async (body: object | string, token: string | undefined, headers: Record<string, string> = {}) =>
    hooks.receive(
      callWith(body, { headers: { ...headers, authorization: token === undefined ? undefined : `Bearer ${token}` } }),
      watches,
    );

  it('are one for a site, of all its issues and comments, for 30 days, at the app’s one address', async () => {
    const made = await watch();
    expect(hooks.address).to.equal('app');
    const [hook] = state().jiraWebhooks;
    expect(hook).to.deep.include({
      id: 1000,
      cloudId: used.site.cloudId,
      url: receiver.url,
      jqlFilter: 'project != null',
    });
    expect(hook?.events).to.have.members(EVENTS);
    expect(made).to.deep.include({ id: `${used.site.cloudId}/1000`, data: { site: used.site.url } });
    expect(made.expiresAt?.getTime()).to.be.closeTo(Date.now() + 30 * DAY_MS, 60_000);
  });

  it('tell of issues and comments that come, change and go, by calls that are signed', async () => {
    const made = await watch();
    const { jira } = used;
    const next = async (event: string): Promise<void> => {
      const at = receiver.heard.length;
      const { call, verdict } = await waitFor(event, () => receiver.heard[at]);
      const said = JSON.parse(call.body.toString()) as { webhookEvent: string; matchedWebhookIds: number[] };
      expect(said).to.deep.include({ webhookEvent: event, matchedWebhookIds: [1000] });
      expect(verdict).to.deep.include({ kind: 'news', watches: [made.id] });
    };
    const issue = jira.addIssue('EX', { summary: 'New' });
    await next('jira:issue_created');
    Object.assign(issue, { status: 'Done', updated: new Date(Date.now() + 1000) });
    await next('jira:issue_updated');
    const comment = jira.addComment(issue, { body: 'Seen.', created: new Date(Date.now() + 2000) });
    await next('comment_created');
    comment.updated = new Date(Date.now() + 3000);
    await next('comment_updated');
    issue.comments.splice(0, 1);
    await next('comment_deleted');
    jira.removeIssue(issue.key);
    await next('jira:issue_deleted');
    await hooks.unwatch?.(used.connection, made);
    expect(state().jiraWebhooks).to.deep.equal([]);
  });

  it('are not for API tokens, which are no app’s: nobody is asked', async () => {
    const account = state().accounts.find(({ email }) => email === ANN) ?? expect.fail('no Ann');
    const connection = await used.world.connectTyped('api_token', {
      baseUrl: used.site.url,
      email: ANN,
      apiToken: apiTokenOf(account),
    });
    const before = asked().length;
    expect(await ask('-', { connection })).to.equal(undefined);
    expect(asked()).to.have.length(before);
  });

  it('need a permission, which is named where the grant lacks it; the grant stays good', async () => {
    const scopes = EVERYTHING.filter((scope) => scope !== 'manage:jira-webhook');
    const connection = used.world.connect(ANN, scopes);
    const error = await failureOf(ask(used.site.cloudId, { connection }));
    expect(error.kind).to.equal('scope');
    expect(error.message).to.contain('manage:jira-webhook');
    expect(await used.world.provider.roots(connection)).to.have.length(2);
  });

  it('that Jira does not take, though it answers 200, are named in its own words', async () => {
    plan(/\/webhook$/, 200, {
      webhookRegistrationResult: [
        { errors: ['The clause watchCount is unsupported', 'Operator is not is unsupported'] },
      ],
    });
    const error = await failureOf(ask());
    expect(error.kind).to.equal('denied');
    expect(error.message).to.contain('The clause watchCount is unsupported Operator is not is unsupported');
    for (const body of [
      { webhookRegistrationResult: [] },
      { webhookRegistrationResult: [{}] },
      { webhookRegistrationResult: [{ errors: [] }] },
      {},
    ]) {
      plan(/\/webhook$/, 200, body);
      expect((await failureOf(ask())).kind, JSON.stringify(body)).to.equal('bad_response');
    }
    for (let number = 0; number < 5; number += 1) await ask();
    expect((await failureOf(ask())).message).to.contain('maximum of 5');
  });

  it('take the place of those that the hub had registered at an address of before', async () => {
    const former = 'https://former.example.com/webhooks/jira';
    const first = await ask(undefined, { address: former });
    const made = await watch();
    expect(state().jiraWebhooks.map(({ id, url }) => [id, url])).to.deep.equal([[numbered(made.id), receiver.url]]);
    expect(made.id).to.not.equal(first?.id);
    await hooks.unwatch?.(used.connection, made);
    await ask(undefined, { address: 'https://other.example.com/somebody-elses' });
    expect((await failureOf(ask())).message).to.contain('single URL');
    expect(state().jiraWebhooks).to.have.length(1);
  });

  it('are refreshed, and the new end is read whether it is a number or text', async () => {
    const made = await watch();
    const [hook] = state().jiraWebhooks;
    if (!hook) return expect.fail('there is none');
    hook.expiresAt = Date.now() + DAY_MS;
    const prolonged = await hooks.prolong?.(used.connection, made);
    expect(prolonged).to.deep.include({ id: made.id, data: made.data });
    expect(prolonged?.expiresAt?.getTime()).to.be.closeTo(Date.now() + 30 * DAY_MS, 60_000);
    const at = Math.floor((Date.now() + 7 * DAY_MS) / 1000) * 1000;
    for (const expirationDate of [
      at,
      String(at),
      new Date(at).toISOString(),
      new Date(at).toISOString().replace('Z', '+0000'),
    ]) {
      plan(/\/refresh$/, 200, { expirationDate });
      expect((await hooks.prolong?.(used.connection, made))?.expiresAt, String(expirationDate)).to.deep.equal(
        new Date(at),
      );
    }
    // Where the answer does not say, the list does.
    for (const body of [{}, undefined, { expirationDate: 'soon' }]) {
      hook.expiresAt = at;
      plan(/\/refresh$/, 200, body);
      expect((await hooks.prolong?.(used.connection, made))?.expiresAt).to.deep.equal(new Date(at));
    }
  });

  it('that Jira has lost are counted as lost, though it refreshes them without a word', async () => {
    const made = await watch();
    state().jiraWebhooks.splice(0);
    const before = asked().length;
    expect(await hooks.prolong?.(used.connection, made)).to.equal(undefined);
    expect(asked().slice(before)).to.deep.equal(['PUT /webhook/refresh', 'GET /webhook']);
    await hooks.unwatch?.(used.connection, made);
  });

  it('are looked for on all pages of the list', async () => {
    const made = await watch();
    const page = (from: number) => ({
      startAt: from,
      maxResults: 100,
      isLast: false,
      values: Array.from({ length: 100 }, (_, at) => ({ id: 5000 + from + at, expirationDate: 1790000000000 })),
    });
    plan(/\/webhook\?startAt=0&/, 200, page(0));
    plan(/\/webhook\?startAt=100&/, 200, { ...page(100), isLast: true, values: [{ id: 1000 }] });
    expect((await hooks.prolong?.(used.connection, made))?.id).to.equal(made.id);
    plan(/\/webhook\?startAt=0&/, 200, page(0));
    plan(/\/webhook\?startAt=100&/, 200, { ...page(100), isLast: undefined, values: [] });
    expect(await hooks.prolong?.(used.connection, made)).to.equal(undefined);
  });

  it('that could not be asked about just now are not counted as lost', async () => {
    const made = await watch();
    plan(/\/webhook/, 503, {}, 9);
    expect(await failureOf(hooks.prolong?.(used.connection, made) ?? expect.fail())).to.include({ kind: 'transient' });
    expect(await failureOf(hooks.unwatch?.(used.connection, made) ?? expect.fail())).to.include({ kind: 'transient' });
    expect(await failureOf(ask())).to.include({ kind: 'transient' });
  });

  it('are believed by a token that is signed with the app’s secret and has not run out', async () => {
    watches = [standing('a/1000')];
    const body = { matchedWebhookIds: [1000] };
    expect(await hear(body, await signed())).to.deep.equal({ kind: 'news', watches: ['a/1000'], once: undefined });
    expect(await hear(body, await signed({ iss: 'anybody', aud: 'anything' }))).to.deep.include({ kind: 'news' });
    const [head = '', claims = ''] = (await signed()).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const faults = [
      undefined,
      '',
      'token',
      await signed({}, { secret: 'another secret' }),
      await signed({}, { alg: 'HS512' }),
      await signed({}, { until: '-2m' }),
      await signed({ nbf: Math.floor(Date.now() / 1000) + 3600 }),
      new UnsecuredJWT({}).setIssuedAt().setExpirationTime('3m').encode(),
      `${none}.${claims}.`,
      `${none}.${claims}.${(await signed()).split('.')[2] ?? ''}`,
      `${head}.${claims}.`,
      `${head}.${Buffer.from('{}').toString('base64url')}.${(await signed()).split('.')[2] ?? ''}`,
    ];
    for (const token of faults) expect(await hear(body, token), token).to.deep.equal(REFUSED);
    const authorization = `Basic ${await signed()}`;
    expect(await hooks.receive(callWith(body, { headers: { authorization } }), watches)).to.deep.equal(REFUSED);
    const get = callWith(body, { method: 'GET', headers: { authorization: `Bearer ${await signed()}` } });
    expect(await hooks.receive(get, watches)).to.deep.equal(REFUSED);
    for (const wrong of ['', 'no JSON', '7', '{"matchedWebhookIds":{}}'])
      expect(await hear(wrong, await signed()), wrong).to.deep.equal(REFUSED);
  });

  it('are of the site that the call names, though others have the same numbers', async () => {
    const [own, other] = [await watch(), await watch(otherSite().cloudId)];
    expect(numbered(own.id)).to.equal(numbered(other.id));
    otherSite().jira?.addIssue('EX', { summary: 'At the quay' });
    const first = await waitFor('a call', () => receiver.heard[0]);
    expect(first.verdict).to.deep.include({ kind: 'news', watches: [other.id] });
    const unknown = {
      matchedWebhookIds: ['1000'],
      comment: { self: 'https://elsewhere.example/rest/api/2/comment/1' },
    };
    expect(await hear(unknown, await signed())).to.deep.include({ watches: [own.id, other.id] });
    expect(await hear({ matchedWebhookIds: [1] }, await signed())).to.deep.include({ kind: 'news', watches: [] });
    expect(await hear({}, await signed())).to.deep.include({ kind: 'news', watches: [] });
  });

  it('that are repeated are known by their identifier, at their own site', async () => {
    await watch();
    used.jira.addIssue('EX', { summary: 'New' });
    const { call, verdict } = await waitFor('a call', () => receiver.heard[0]);
    const identifier = call.headers['x-atlassian-webhook-identifier'] ?? expect.fail('there is none');
    expect(verdict).to.have.property('once').that.contains(identifier);
    const again = callWith(call.body, { headers: { ...call.headers, 'x-atlassian-webhook-retry': '1' } });
    expect(await hooks.receive(again, watches)).to.deep.equal(verdict);
    const elsewhere = callWith(call.body.toString().replaceAll(new URL(used.site.url).host, 'other.example'), {
      headers: call.headers,
    });
    expect(await hooks.receive(elsewhere, watches)).to.not.have.property('once', (verdict as { once?: string }).once);
  });

  it('of two people at one site tell both, each of what they may see', async () => {
    const [anns, bens] = [await watch(), await watch(undefined, { connection: used.world.connect(BEN) })];
    used.jira.addProject({ key: 'ANNS', name: 'Ann’s', members: [used.jira.people[0]?.accountId ?? ''] });
    used.jira.addIssue('ANNS', { summary: 'Only for Ann' });
    expect((await waitFor('a call', () => receiver.heard[0])).verdict).to.deep.include({ watches: [anns.id] });
    used.jira.addIssue('EX', { summary: 'For both' });
    expect((await waitFor('another', () => receiver.heard[1])).verdict).to.deep.include({
      watches: [anns.id, bens.id],
    });
  });
});
