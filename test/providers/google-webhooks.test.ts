import { expect } from 'chai';
import type { Connection, StandingWatch, WebhookCall, Webhooks } from '../../providers/provider.ts';
import { expiryOf } from '../../providers/google-drive/wire.ts';
import { listen } from '../../providers/sandbox/stand-in.ts';
import { Secret } from '../../server/secret.ts';
import { waitFor } from '../helpers/wait.ts';
import { describeWire, recording, type Exchange } from './exchanges.ts';
import { checkExchanges } from './google-contract.ts';
import { file, refusal, startWorld, type World } from './google-world.ts';
import { failureOf } from './reading.ts';

const OWN = 'own';
const SHARED_DRIVE = '0ADrive00000000PVA';
const SECRET = new Secret('a token of forty characters, made at random');
const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const WEEK_MS = 7 * 24 * 3_600_000;
const exchanges: Exchange[] = [];

describe('the notification channels of Google Drive', () => {
  let world: World;
  let hooks: Webhooks;
  let connection: Connection;
  let heard: WebhookCall[];
  let receiver: { url: string; close(): Promise<void> };
  beforeEach(async () => {
    world = await startWorld(recording(exchanges, /json/));
    hooks = world.provider.webhooks ?? expect.fail('Google Drive makes no calls');
    connection = world.connect();
    heard = [];
    receiver = await listen(({ method, headers }, res) => {
      heard.push(call(headers as WebhookCall['headers'], { method: method as 'POST' }));
      res.end();
    });
  });
  afterEach(async () => {
    await receiver.close();
    await world.close();
  });

  const watch = async (feed = OWN): Promise<StandingWatch> => {
    const made = await hooks.watch?.(connection, feed, { address: receiver.url, secret: SECRET, id: ID });
    return { ...(made ?? expect.fail('it is not watched')), feed, secret: SECRET };
  };
  const call = (headers: WebhookCall['headers'], more: Partial<WebhookCall> = {}): WebhookCall => ({
    method: 'POST',
    query: {},
    headers,
    body: Buffer.alloc(0),
    ...more,
  });
  const SENT = {
    'x-goog-channel-id': ID,
    'x-goog-channel-token': SECRET.reveal(),
    'x-goog-resource-state': 'change',
    'x-goog-message-number': '2',
  };
  const standing: StandingWatch = { id: ID, feed: OWN, secret: SECRET, expiresAt: new Date(Date.now() + WEEK_MS) };

  it('are asked for a week, begin with a call that tells nothing, and call when a file changes', async () => {
    const made = await watch();
    expect(made.id).to.equal(ID);
    expect(made.data).to.have.keys(['resourceId']);
    expect(made.expiresAt?.getTime()).to.be.closeTo(Date.now() + WEEK_MS, 60_000);
    expect(await hooks.receive(heard[0] ?? expect.fail('nothing was heard'), [made])).to.deep.include({
      kind: 'news',
      watches: [],
      renew: [],
    });
    world.sandbox.state.accounts[0]?.spaces[0]?.files.push(file('new', 'New.txt', null));
    const second = await waitFor('a call', () => heard[1]);
    expect(await hooks.receive(second, [made])).to.deep.equal({
      kind: 'news',
      watches: [ID],
      renew: [],
      once: `${ID} 2`,
    });
    await hooks.unwatch?.(connection, made);
    expect(world.sandbox.state.channels.size).to.equal(0);
  });

  it('watch the log of a shared drive with its id', async () => {
    await watch(SHARED_DRIVE);
    const [asked] = world.sandbox.state.requests.filter(({ path }) => path.includes('/changes/watch')).slice(-1);
    expect(asked?.path).to.contain(`driveId=${SHARED_DRIVE}`).and.to.contain('includeItemsFromAllDrives=true');
  });

  it('that have ended already count as ended', async () => {
    const made = await watch();
    await hooks.unwatch?.(connection, made);
    await hooks.unwatch?.(connection, made);
  });

  it('end when Google says, in milliseconds or as a date, and after an hour where it says nothing', async () => {
    expect(expiryOf('1780000000000')).to.deep.equal(new Date(1780000000000));
    expect(expiryOf('Thu, 28 May 2026 20:26:40 GMT')).to.deep.equal(new Date(1780000000000));
    for (const nothing of [undefined, null, '', 'soon']) expect(expiryOf(nothing)).to.equal(undefined);
    const answer = { kind: 'api#channel', id: ID, resourceId: 'resource' };
    world.plan(/changes\/watch/, 200, { ...answer, expiration: String(Date.now() + 600_000) });
    expect((await watch()).expiresAt?.getTime()).to.be.closeTo(Date.now() + 600_000, 60_000);
    world.plan(/changes\/watch/, 200, answer);
    expect((await watch()).expiresAt?.getTime()).to.be.closeTo(Date.now() + 3_600_000, 60_000);
    world.plan(/changes\/watch/, 200, { ...answer, resourceId: undefined });
    expect(await failureOf(watch())).to.include({ kind: 'bad_response' });
  });

  it('are made anew when a call says that they end sooner than was said', async () => {
    const sooner = call({ ...SENT, 'x-goog-channel-expiration': new Date(Date.now() + 3_600_000).toUTCString() });
    expect(await hooks.receive(sooner, [standing])).to.deep.include({ renew: [ID] });
    const same = call({ ...SENT, 'x-goog-channel-expiration': standing.expiresAt?.toUTCString() });
    expect(await hooks.receive(same, [standing])).to.deep.include({ renew: [] });
  });

  it('are refused without their token, with another, unknown, or by a link', async () => {
    const other: StandingWatch = { ...standing, id: 'another', secret: new Secret('another token') };
    const faults: WebhookCall[] = [
      call({ ...SENT, 'x-goog-channel-token': undefined }),
      call({ ...SENT, 'x-goog-channel-token': '' }),
      call({ ...SENT, 'x-goog-channel-token': `${SECRET.reveal()}.` }),
      call({ ...SENT, 'x-goog-channel-token': 'another token' }),
      call({ ...SENT, 'x-goog-channel-id': 'unknown' }),
      call({ ...SENT, 'x-goog-channel-id': 'another' }),
      call({ ...SENT, 'x-goog-channel-id': undefined, 'x-goog-channel-token': undefined }),
      call({ ...SENT, 'x-goog-resource-state': undefined }),
      call(SENT, { method: 'GET' }),
    ];
    for (const fault of faults)
      expect(await hooks.receive(fault, [standing, other])).to.deep.equal({ kind: 'refused' });
    expect(await hooks.receive(call(SENT), [])).to.deep.equal({ kind: 'refused' });
  });

  it('that Google refuses for their address end no grant', async () => {
    const made = hooks.watch?.(connection, OWN, { address: 'http://hub.example.com/', secret: SECRET, id: ID });
    expect(await failureOf(made ?? expect.fail('nothing was asked'))).to.include({ kind: 'misconfigured' });
    const text = JSON.stringify(refusal(401, 'push.webhookUrlUnauthorized'));
    expect(world.provider.judge?.({ status: 401, headers: new Headers(), text })).to.deep.equal({ kind: 'final' });
    const dead = JSON.stringify(refusal(401, 'authError'));
    expect(world.provider.judge?.({ status: 401, headers: new Headers(), text: dead })).to.equal(undefined);
  });
});

describeWire('The channels of Google Drive', exchanges, checkExchanges, {
  requests: 10,
  operations: ['drive.changes.getStartPageToken', 'drive.changes.watch', 'drive.channels.stop'],
});
