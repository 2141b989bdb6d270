import { expect } from 'chai';
import { driveIdOf } from '../../providers/microsoft-365/sandbox-ids.ts';
import type { Connection, StandingWatch, WebhookVerdict, Webhooks } from '../../providers/provider.ts';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import { Secret } from '../../server/secret.ts';
import { notRun } from '../helpers/requirements.ts';
import { waitFor } from '../helpers/wait.ts';
import { describeWire, openContracts, recording, type Exchange } from './exchanges.ts';
import { checkExchanges } from './microsoft-contract.ts';
import { startWorld, type World } from './microsoft-world.ts';
import { failureOf } from './reading.ts';
import { callWith, startReceiver, type Receiver } from './webhook-receiver.ts';
import { makersOf } from './world.ts';

const HOME = driveIdOf('ann home');
const OPS = driveIdOf('ops');
const MINUTE_MS = 60_000;
const LONGEST_MS = 42_300 * MINUTE_MS;
const SECRET = new Secret('a secret of forty-three characters at random');
const exchanges: Exchange[] = [];
const { file } = makersOf();
const REFUSED: WebhookVerdict = { kind: 'refused' };

describe('the subscriptions of Microsoft 365', () => {
  let world: World;
  let hooks: Webhooks;
  let connection: Connection;
  let home: SandboxFile[];
  let receiver: Receiver;
  /** What the hub knows; before the vendor has answered, under the id it was given. */
  let watches: StandingWatch[];
  beforeEach(async () => {
    world = await startWorld(recording(exchanges, /json/));
    hooks = world.provider.webhooks ?? expect.fail('Microsoft 365 makes no calls');
    connection = world.connect();
    home = world.sandbox.state.accounts[0]?.spaces[0]?.files ?? expect.fail('Ann has no OneDrive');
    watches = [];
    receiver = await startReceiver((call) => hooks.receive(call, watches));
  });
  afterEach(async () => {
    await receiver.close();
    await world.close();
  });

  const ask = (feed = HOME, more: { address?: string; secret?: Secret } = {}) =>
    hooks.watch?.(connection, feed, { address: receiver.url, secret: SECRET, id: 'given', ...more }) ??
    expect.fail('nothing is ordered');
  const watch = async (feed = HOME, secret = SECRET): Promise<StandingWatch> => {
    watches.push({ id: `given ${feed}`, feed, secret });
    const made = { ...((await ask(feed, { secret })) ?? expect.fail('it is not watched')), feed, secret };
    watches.splice(-1, 1, made);
    return made;
  };
  const subscriptions = () => world.sandbox.state.subscriptions;
  /** What was heard after the handshakes. */
  const news = () => receiver.heard.filter(({ verdict }) => verdict.kind !== 'handshake');
  const told = (id: string, secret: string, more: object = {}) => ({
    subscriptionId: id,
    subscriptionExpirationDateTime: new Date().toISOString(),
    clientState: secret,
    changeType: 'updated',
    resource: `drives/${HOME}/root`,
    tenantId: '84bd8158-6d4d-4958-8b9f-9d6445542f95',
    ...more,
  });
  const hear = (value: unknown[]) => hooks.receive(callWith({ value }), watches);

  it('are for the top of a drive, for at most 42,300 minutes, and prove the secret', async () => {
    const made = await watch();
    const [asked] = subscriptions().values();
    expect(asked).to.deep.include({
      id: made.id,
      changeType: 'updated',
      resource: `/drives/${HOME}/root`,
      clientState: SECRET.reveal(),
      notificationUrl: receiver.url,
      lifecycleNotificationUrl: receiver.url,
    });
    const life = Date.parse(asked?.expirationDateTime ?? '') - Date.now();
    expect(life)
      .to.be.lessThan(LONGEST_MS)
      .and.greaterThan(LONGEST_MS - 90 * MINUTE_MS);
    expect(made.expiresAt?.getTime()).to.be.closeTo(Date.now() + life, MINUTE_MS);
  });

  it('are made once both addresses have echoed a token, decoded once', async () => {
    await watch();
    const shakes = receiver.heard.map(({ verdict }) => (verdict.kind === 'handshake' ? verdict.text : ''));
    expect(shakes).to.have.length(2);
    for (const text of shakes) expect(text).to.match(/^Validation: Testing .* <&\+%>$/);
    const query = { validationToken: 'Validation: Testing 123' };
    expect(await hooks.receive(callWith('', { query }), [])).to.deep.equal({
      kind: 'handshake',
      text: 'Validation: Testing 123',
    });
    expect(await hooks.receive(callWith('', { query, method: 'GET' }), [])).to.deep.equal(REFUSED);
    expect(await hooks.receive(callWith('', { query: { validationToken: '' } }), [])).to.deep.equal(REFUSED);
  });

  it('are not made for an address that does not echo, and say so', async () => {
    await receiver.close();
    const error = await failureOf(ask());
    expect(error.kind).to.equal('misconfigured');
    expect(error.message).to.contain('public');
    expect(await failureOf(ask(HOME, { address: 'http://hub.example.com/' }))).to.include({ kind: 'misconfigured' });
    expect(subscriptions().size).to.equal(0);
    receiver = await startReceiver(() => Promise.resolve(REFUSED));
    expect(await failureOf(ask())).to.include({ kind: 'misconfigured' });
  });

  it('tell of their own drive when something in it changes', async () => {
    const [own, ops] = [await watch(HOME), await watch(OPS, new Secret('another secret'))];
    home.push(file('new', 'New.txt', null));
    const first = await waitFor('a call', () => news()[0]);
    expect(first.verdict).to.deep.equal({ kind: 'news', watches: [own.id], renew: [] });
    world.sandbox.state.accounts[0]?.spaces.find(({ id }) => id === 'ops')?.files.push(file('n', 'N.txt', 'plans'));
    const second = await waitFor('another call', () => news()[1]);
    expect(second.verdict).to.deep.equal({ kind: 'news', watches: [ops.id], renew: [] });
    const contracts = await openContracts({ graph: ['microsoft-graph', 'graph-v1.0.openapi.json'] });
    if (!contracts) return notRun('the check of Microsoft’s calls', 'the description is not here');
    const check = contracts.graph({ strict: 'all' }).schema('microsoft.graph.changeNotificationCollection');
    for (const { call } of news()) expect(check(JSON.parse(call.body.toString()))).to.deep.equal([]);
  });

  it('are believed by the secret of each notification, of several that come in one call', async () => {
    const other = new Secret('another secret');
    const third = new Secret('a third secret');
    watches.push({ id: 'a', feed: HOME, secret: SECRET }, { id: 'b', feed: OPS, secret: other });
    watches.push({ id: 'c', feed: 'c', secret: third });
    const [good, alsoGood] = [told('a', SECRET.reveal()), told('b', other.reveal())];
    expect(await hear([good, alsoGood, good])).to.deep.equal({ kind: 'news', watches: ['a', 'b'], renew: [] });
    const faults = [
      told('c', SECRET.reveal()),
      told('c', `${third.reveal()}.`),
      told('c', ''),
      told('c', 'x'.repeat(100_000)),
      { ...told('c', ''), clientState: null },
      { ...told('c', ''), clientState: 7 },
      told('unknown', 'unknown'),
      null,
      'text',
    ];
    expect(await hear([...faults, good])).to.deep.equal({ kind: 'news', watches: ['a'], renew: [] });
    for (const fault of faults) expect(await hear([fault]), JSON.stringify(fault)?.slice(0, 80)).to.deep.equal(REFUSED);
  });

  it('are refused as a whole where nothing is proved', async () => {
    watches.push({ id: 'a', feed: HOME, secret: SECRET });
    const body = { value: [told('a', SECRET.reveal())] };
    for (const wrong of ['', 'no JSON', '[]', '{}', '{"value":{}}', 'null'])
      expect(await hooks.receive(callWith(wrong), watches), wrong).to.deep.equal(REFUSED);
    expect(await hooks.receive(callWith(body), [])).to.deep.equal(REFUSED);
    expect(await hooks.receive(callWith(body, { method: 'GET' }), watches)).to.deep.equal(REFUSED);
    expect(await hear([])).to.deep.equal(REFUSED);
  });

  it('that call before their making was answered are known by their secret', async () => {
    watches.push({ id: 'given', feed: HOME, secret: SECRET });
    expect(await hear([told('not known yet', SECRET.reveal())])).to.deep.equal({
      kind: 'news',
      watches: ['given'],
      renew: [],
    });
  });

  it('are prolonged, and counted as lost where Graph does not know them any more', async () => {
    const made = await watch();
    const asked = subscriptions().get(made.id) ?? expect.fail('there is none');
    asked.expirationDateTime = new Date(Date.now() + MINUTE_MS).toISOString();
    const prolonged = await hooks.prolong?.(connection, made);
    expect(prolonged?.id).to.equal(made.id);
    expect(prolonged?.expiresAt?.getTime()).to.be.greaterThan(Date.now() + LONGEST_MS - 90 * MINUTE_MS);
    asked.expirationDateTime = new Date(Date.now() - 1).toISOString();
    expect(await hooks.prolong?.(connection, made)).to.equal(undefined);
  });

  it('are no longer called after their end', async () => {
    const made = await watch();
    await hooks.unwatch?.(connection, made);
    expect(subscriptions().size).to.equal(0);
    await hooks.unwatch?.(connection, made);
    const over = await watch();
    (subscriptions().get(over.id) ?? expect.fail('there is none')).expirationDateTime = new Date().toISOString();
    home.push(file('late', 'Late.txt', null));
    await waitFor('the end', () => subscriptions().size === 0);
    expect(news()).to.deep.equal([]);
  });

  it('that have to be authorised again, or were removed, are renewed; missed calls are news', async () => {
    const made = await watch();
    await world.sandbox.state.sendLifecycle(made.id, 'reauthorizationRequired');
    await world.sandbox.state.sendLifecycle(made.id, 'missed');
    expect(subscriptions().has(made.id)).to.equal(true);
    await world.sandbox.state.sendLifecycle(made.id, 'subscriptionRemoved');
    expect(news().map(({ verdict }) => verdict)).to.deep.equal([
      { kind: 'news', watches: [], renew: [made.id] },
      { kind: 'news', watches: [made.id], renew: [] },
      { kind: 'news', watches: [], renew: [made.id] },
    ]);
    expect(await hooks.prolong?.(connection, made)).to.equal(undefined);
    const forged = told(made.id, 'guessed', { lifecycleEvent: 'subscriptionRemoved' });
    expect(await hear([forged])).to.deep.equal(REFUSED);
  });

  it('that the permission to read is not enough for are named as that', async () => {
    const body = { error: { code: 'accessDenied', message: 'Access denied' } };
    world.plan(/\/subscriptions$/, 403, body);
    const error = await failureOf(ask());
    expect([error.kind, error.status]).to.deep.equal(['scope', 403]);
    expect(error.message).to.contain('read alone');
  });

  it('are not offered for every drive, and faults that pass are not taken for that', async () => {
    world.plan(/\/subscriptions$/, 400, { error: { code: 'notSupported', message: 'Not supported.' } });
    expect(await ask()).to.equal(undefined);
    expect(await ask(driveIdOf('nobody’s'))).to.equal(undefined);
    const made = await watch();
    world.plan(/\/subscriptions/, 503, {}, { times: 3 });
    expect(await failureOf(ask())).to.include({ kind: 'transient' });
    expect(await failureOf(hooks.prolong?.(connection, made) ?? expect.fail())).to.include({ kind: 'transient' });
    expect(await failureOf(hooks.unwatch?.(connection, made) ?? expect.fail())).to.include({ kind: 'transient' });
    world.plan(/\/subscriptions$/, 201, { expirationDateTime: 'soon' });
    expect(await failureOf(ask())).to.include({ kind: 'bad_response' });
    world.plan(/\/subscriptions$/, 201, { id: 'made', expirationDateTime: 'soon' });
    expect((await ask())?.expiresAt?.getTime()).to.be.greaterThan(Date.now() + LONGEST_MS - 90 * MINUTE_MS);
  });
});

describeWire('The subscriptions of Microsoft 365', exchanges, checkExchanges, {
  requests: 20,
  operations: ['subscription_CreateSubscription', 'subscription_DeleteSubscription', 'subscription_UpdateSubscription'],
});
