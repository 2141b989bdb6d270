import { expect } from 'chai';
import { connect } from 'node:net';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { VENDORS, type Vendor } from '../faults/vendors.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { waitFor } from '../helpers/wait.ts';

const GOOGLE = VENDORS[0] as Vendor;
const NOBODY = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

onOneDatabase('the address that vendors call', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let files: SandboxFile[];
  let sent: Record<string, string>;
  before(async () => {
    hub = await startHub({ database: await open() });
    ({ integration, files } = await followFolder(hub, GOOGLE));
    await hub.context.webhooks.set(hub.admin, integration.id, true);
    const watched = async () => (await status())?.watching === 1;
    await waitFor('the watch', watched);
    await quiet();
    const { 'x-goog-message-number': _, ...headers } = hub.sandbox.google.state.calls[0]?.headers ?? {};
    sent = { ...headers, 'x-goog-resource-state': 'change' };
  });
  after(() => hub.close());

  const status = () => hub.context.webhooks.status(hub.admin, integration.id);
  const news = async (): Promise<Date | null> =>
    (
      (await hub.context.database.knex('user_integrations').where({ id: integration.id }).first('news_at')) as {
        news_at: Date | null;
      }
    ).news_at;
  /** As if a sync had begun. */
  const quiet = async () => hub.context.database.knex('user_integrations').update({ news_at: null });
  const address = (id = integration.id, platform = 'google_drive') => `${hub.url}/webhooks/${platform}/${id}`;
  let message = 100;
  const post = (url: string, headers: Record<string, string> = {}, body?: string | Buffer) =>
    fetch(url, { method: 'POST', headers: { 'x-goog-message-number': String((message += 1)), ...headers }, body });

  it('takes a call that proves itself, and notes the news without asking the vendor', async () => {
    const { state } = hub.sandbox.google;
    const [asked, before] = [state.requests.length, (await status())?.heard ?? 0];
    const answer = await post(address(), sent);
    expect(answer.status).to.equal(200);
    expect(await answer.text()).to.equal('');
    expect(await news()).to.be.instanceOf(Date);
    expect(state.requests).to.have.length(asked);
    const now = await status();
    expect(now?.heard).to.equal(before + 1);
    expect(now?.heardAt?.getTime()).to.be.closeTo(Date.now(), 60_000);
  });

  it('hears a call that is sent twice once', async () => {
    await quiet();
    const number = { ...sent, 'x-goog-message-number': '9001' };
    expect((await post(address(), number)).status).to.equal(200);
    expect(await news()).not.to.equal(null);
    await quiet();
    expect((await post(address(), number)).status).to.equal(200);
    expect(await news()).to.equal(null);
  });

  it('answers alike to everything that is wrong, and notes nothing', async () => {
    await quiet();
    const before = (await status())?.heard;
    const token = sent['x-goog-channel-token'] ?? '';
    const wrong: [string, Record<string, string>, (string | Buffer)?][] = [
      [address(), {}],
      [address(), { ...sent, 'x-goog-channel-token': `${token.slice(0, -1)}_` }],
      [address(), { ...sent, 'x-goog-channel-token': 'short' }],
      [address(), { ...sent, 'x-goog-channel-id': NOBODY }],
      [address(NOBODY), sent],
      [address('none'), sent],
      [address(integration.id, 'dropbox'), sent],
      [address(integration.id, 'confluence'), sent],
      [address(integration.id, 'nowhere'), sent],
      [`${hub.url}/webhooks/google_drive`, sent],
      [`${hub.url}/webhooks`, sent],
      [`${address()}/more`, sent],
      [address(), sent, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
      [address(), { ...sent, cookie: 'tributary=s%3Anone' }, Buffer.from([0xc3, 0x28])],
    ];
    const answers = new Set<string>();
    for (const [url, headers, body] of wrong) {
      const answer = await post(url, headers, body);
      const shown = ['content-type', 'content-length', 'www-authenticate', 'set-cookie'].map((name) =>
        answer.headers.get(name),
      );
      answers.add(JSON.stringify([answer.status, await answer.text(), shown]));
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'HEAD'])
      answers.add(
        JSON.stringify([(await fetch(address(), { method, headers: sent })).status, '', [null, '0', null, null]]),
      );
    expect([...answers]).to.deep.equal([JSON.stringify([401, '', [null, '0', null, null]])]);
    expect(await news()).to.equal(null);
    expect((await status())?.heard).to.equal(before);
  });

  it('reads no more than a megabyte', async () => {
    await quiet();
    expect((await post(address(), sent, Buffer.alloc(1024 * 1024, 'a'))).status).to.equal(200);
    await quiet();
    expect((await post(address(), sent, Buffer.alloc(1024 * 1024 + 1, 'a'))).status).to.equal(413);
    const chunks = new ReadableStream({
      pull: (controller) => void controller.enqueue(new Uint8Array(65_536).fill(97)),
    });
    const endless = await fetch(address(), {
      method: 'POST',
      headers: sent,
      body: chunks,
      duplex: 'half',
    } as RequestInit)
      .then(({ status }) => status)
      // The line is cut while it still sends.
      .catch(() => 413);
    expect(endless).to.equal(413);
    expect(await news()).to.equal(null);
  });

  it('hangs up on somebody who sends without end', async () => {
    const { port } = new URL(hub.url);
    const line = connect(Number(port), '127.0.0.1');
    let answer = '';
    line.on('data', (data) => (answer += data.toString()));
    line.on('error', () => undefined);
    const closed = new Promise((done) => line.once('close', done));
    line.write(
      `POST /webhooks/google_drive/${integration.id} HTTP/1.1\r\nHost: hub\r\nContent-Length: 52428800\r\n\r\n`,
    );
    await waitFor('the answer', () => answer.includes('\r\n\r\n'));
    expect(answer).to.match(/^HTTP\/1\.1 413 /);
    expect(answer.toLowerCase()).to.contain('connection: close');
    line.destroy();
    await closed;
  });

  it('is open without session or CSRF token, sets no cookie, and logs nothing of a call but its path', async () => {
    const answer = await post(
      address(),
      { ...sent, 'content-type': 'application/x-www-form-urlencoded' },
      'mark=kittiwake',
    );
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('set-cookie')).to.equal(null);
    expect(answer.headers.get('cache-control')).to.equal('no-store');
    expect(hub.logs()).to.contain(`/webhooks/google_drive/${integration.id}`);
    expect(hub.logs()).not.to.contain('kittiwake');
    expect(hub.logs()).not.to.contain(sent['x-goog-channel-token'] ?? 'none');
  });

  it('answers 503 when the news cannot be kept, so that the vendor calls again', async () => {
    const { webhooks } = hub.context;
    const receive = webhooks.receive.bind(webhooks);
    webhooks.receive = () => Promise.reject(new Error('the database is away'));
    try {
      const answer = await post(address(), sent);
      expect([answer.status, await answer.text()]).to.deep.equal([503, '']);
    } finally {
      webhooks.receive = receive;
    }
  });

  it('brings a changed file into the index by the vendor’s own call, without any schedule', async () => {
    const { knex } = hub.context.database;
    await quiet();
    const folder = files.find(({ name }) => name === 'Followed')?.id ?? '';
    files.push(entry('called.txt', folder, 'The storm lantern was lit at the pier head.'));
    await waitFor('the vendor’s call', async () => (await news()) !== null);
    expect((await hub.context.syncs.schedule(hub.admin, integration.id)).every).to.equal(null);
    // What the scheduler looks for, without its pause.
    await knex('user_integrations').update({ news_at: new Date(Date.now() - 60_000) });
    await hub.context.syncs.startDue();
    const hit = await waitFor('the document', async () => {
      const [found] = await hub.context.search.search(hub.admin, { query: 'storm lantern pier head' });
      return found?.title === 'called.txt' && found;
    });
    expect(hit).to.include({ title: 'called.txt' });
    expect(await news()).to.equal(null);
  });

  it('closes for those who guess, and not for those who prove themselves', async () => {
    let last = 401;
    for (let at = 0; at < 400 && last === 401; at++) last = (await post(address(NOBODY))).status;
    expect(last).to.equal(429);
  });
});
