import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { createDropbox } from '../../providers/dropbox/index.ts';
import { accountIdOf } from '../../providers/dropbox/sandbox-tree.ts';
import type { WebhookVerdict, Webhooks } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { waitFor } from '../helpers/wait.ts';
import { APP, file, startWorld, type World } from './dropbox-world.ts';
import { callWith, startReceiver, type Receiver } from './webhook-receiver.ts';
import { ANN, BEN } from './world.ts';

const REFUSED: WebhookVerdict = { kind: 'refused' };
const BODY =
  '{"list_folder": {"accounts": ["dbid:AAH4f99", "dbid:BBH4f99"]}, "delta": {"users": [12345678, 23456789]}}';
const sign = (body: string | Buffer, secret = APP.appSecret): string =>
  createHmac('sha256', secret).update(body).digest('hex');

describe('the webhooks of Dropbox', () => {
  let world: World;
  let hooks: Webhooks;
  let receiver: Receiver;
  beforeEach(async () => {
    world = await startWorld();
    hooks = world.provider.webhooks ?? expect.fail('Dropbox makes no calls');
    receiver = await startReceiver((call) => hooks.receive(call, []));
  });
  afterEach(async () => {
    await receiver.close();
    await world.close();
  });

  const hear = (body: string | Buffer, signature?: string) =>
    hooks.receive(callWith(body, { headers: { 'x-dropbox-signature': signature } }), []);
  const accountOf = (email: string) =>
    world.sandbox.state.accounts.find((account) => account.email === email) ?? expect.fail(`no ${email}`);
  const news = () => receiver.heard.filter(({ verdict }) => verdict.kind !== 'handshake');

  it('are one address for the whole app, registered by hand, and say where', () => {
    expect(hooks).to.include({ address: 'app' }).and.not.have.any.keys('watch', 'prolong', 'unwatch');
    expect(hooks.setUp).to.contain('/webhooks/dropbox').and.to.contain('App Console');
  });

  it('are registered once the challenge is echoed, decoded once', async () => {
    expect(await world.sandbox.state.registerWebhook(receiver.url)).to.equal(true);
    const [shake] = receiver.heard;
    expect(shake?.call.method).to.equal('GET');
    expect(shake?.verdict).to.deep.include({ kind: 'handshake' });
    const query = { challenge: '<script>' };
    expect(await hooks.receive(callWith('', { method: 'GET', query }), [])).to.deep.equal({
      kind: 'handshake',
      text: '<script>',
    });
    for (const wrong of [{}, { challenge: '' }] as Record<string, string>[])
      expect(await hooks.receive(callWith('', { method: 'GET', query: wrong }), [])).to.deep.equal(REFUSED);
    // A challenge beside a call proves nothing.
    expect(await hooks.receive(callWith(BODY, { query }), [])).to.deep.equal(REFUSED);
    await receiver.close();
    expect(await world.sandbox.state.registerWebhook(receiver.url)).to.equal(false);
  });

  it('name the accounts in which something changed, of those that use the app', async () => {
    await world.sandbox.state.registerWebhook(receiver.url);
    await world.provider.roots(world.connect());
    accountOf(BEN).spaces[0]?.files.push(file('bens', 'Bens.txt', null));
    accountOf(ANN).spaces[0]?.files.push(file('new', 'New.txt', null));
    const { verdict } = await waitFor('a call', () => news()[0]);
    expect(verdict).to.deep.equal({ kind: 'news', accounts: [accountIdOf(accountOf(ANN))] });
    const { id } = await world.provider.auth.identify(world.connect());
    expect(id).to.equal(accountIdOf(accountOf(ANN)));
    await world.provider.roots(world.connect(BEN));
    accountOf(BEN).spaces[0]?.files.push(file('more', 'More.txt', null));
    expect((await waitFor('another call', () => news()[1])).verdict).to.deep.include({
      accounts: [accountIdOf(accountOf(BEN))],
    });
    expect(news()).to.have.length(2);
  });

  it('are believed by their signature over the bytes as they came', async () => {
    expect(await hear(BODY, sign(BODY))).to.deep.equal({ kind: 'news', accounts: ['dbid:AAH4f99', 'dbid:BBH4f99'] });
    expect(await hear(BODY, sign(BODY).toUpperCase())).to.deep.include({ kind: 'news' });
    const again = JSON.stringify(JSON.parse(BODY));
    expect(again).to.not.equal(BODY);
    expect(await hear(again, sign(BODY))).to.deep.equal(REFUSED);
    const { list_folder, delta } = JSON.parse(BODY) as Record<string, unknown>;
    expect(await hear(JSON.stringify({ delta, list_folder }), sign(again))).to.deep.equal(REFUSED);
    expect(await hear(`${BODY}\n`, sign(BODY))).to.deep.equal(REFUSED);
  });

  it('are refused with a signature that is none, another’s, or of any other length, without a throw', async () => {
    const good = sign(BODY);
    const wrong = [undefined, '', 'x', good.slice(1), `${good}0`, `${good} `, good.replace(/^./, 'g'), '0'.repeat(64)];
    wrong.push(sign(BODY, 'another secret'), `sha256=${good}`, 'é'.repeat(64), 'x'.repeat(100_000));
    for (const signature of wrong) expect(await hear(BODY, signature), signature?.slice(0, 80)).to.deep.equal(REFUSED);
    const off = createDropbox(parseConfig({}).dropbox).webhooks;
    const call = callWith(BODY, {
      headers: { 'x-dropbox-signature': createHmac('sha256', '').update(BODY).digest('hex') },
    });
    expect(await off?.receive(call, [])).to.deep.equal(REFUSED);
  });

  it('that are signed and name nobody are no news, and what is no JSON is refused', async () => {
    for (const body of [
      '{}',
      '{"list_folder": null}',
      '{"list_folder": {"accounts": []}}',
      '{"list_folder": {"accounts": [7]}}',
    ])
      expect(await hear(body, sign(body)), body).to.deep.equal({ kind: 'news', accounts: [] });
    for (const body of ['', 'text', '7', '{"list_folder": {"accounts": {}}}'])
      expect(await hear(body, sign(body)), body).to.deep.equal(REFUSED);
    const twice = '{"list_folder": {"accounts": ["dbid:A", "dbid:A"]}}';
    expect(await hear(twice, sign(twice))).to.deep.equal({ kind: 'news', accounts: ['dbid:A'] });
  });
});
