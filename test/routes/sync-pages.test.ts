import { expect } from 'chai';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { Database } from '../../server/database/database.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { VENDORS, type Vendor } from '../faults/vendors.ts';
import { accessibilityFaults, openSignedIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { signInAs, type Page, type Visitor, textOf } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

/** A hub whose admin is signed in and follows a folder; `page` is that of the account. */
async function openFollowed(database: Database) {
  const hub = await startHub({ database });
  const visitor = await signInAs(hub.url, 'admin@example.com');
  const { integration, files } = await followFolder(hub, VENDORS[0] as Vendor);
  return { hub, visitor, integration, files, page: `/admin/integrations/${integration.id}` };
}

onOneDatabase('the pages of syncs', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  let integration: Integration;
  let files: SandboxFile[];
  let page: string;
  before(async () => {
    ({ hub, visitor, integration, files, page } = await openFollowed(await open()));
  });
  after(() => hub.close());

  /** Presses "Sync now". Gives the address of the sync's page. */
  const syncNow = async (): Promise<string> => {
    await visitor.get(page);
    const { status, location = '' } = await visitor.post(`${page}/sync`);
    expect(status).to.equal(303);
    expect(location).to.match(/^\/admin\/imports\/[0-9a-f-]{36}$/);
    return location;
  };
  const finished = async (location: string) => finishedImport(hub, location.split('/').at(-1) ?? '');
  const held = (location: string): Promise<Page> =>
    waitFor('the question', async () => {
      const shown = await visitor.get(location);
      return shown.html.includes('data-import-held') && shown;
    });
  const removeLogs = (from: number, to: number): void => {
    for (let at = from; at < to; at++)
      files.splice(
        files.findIndex(({ name }) => name === `log ${at}.txt`),
        1,
      );
  };

  it('show what is followed, with its options, and how it is synced', async () => {
    const { html } = await visitor.get(page);
    expect(textOf(html)).to.contain('Followed Category “logs”.').and.to.contain('Stop following Followed');
    expect(html).to.contain('>Sync now</button>');
    expect(html).to.match(/<option value="">Off<\/option>/);
    expect(textOf(html)).not.to.contain('Next sync:');
  });

  it('save a schedule by a form, and say when the next sync is', async () => {
    const saved = await visitor.post(`${page}/schedule`, { every: '24h' });
    expect(saved).to.include({ status: 303, location: page });
    const shown = (await visitor.get(page)).html;
    expect(shown).to.contain('The schedule is saved.').and.to.contain('<option value="24h" selected>');
    expect(textOf(shown)).to.match(/Next sync: \d+ \w+ \d{4}, \d\d:\d\d UTC/);
    const wrong = await visitor.post(`${page}/schedule`, { every: 'often' });
    expect(wrong.status).to.equal(422);
    expect(wrong.html).to.contain('href="#every"').and.to.contain('id="every-error"');
    await visitor.post(`${page}/schedule`, { every: '' });
    const off = textOf((await visitor.get(page)).html);
    expect(off).to.contain('The account is synced by hand only.').and.not.to.contain('Next sync:');
  });

  it('let the service call, and show how its calls stand', async () => {
    const before = (await visitor.get(page)).html;
    expect(textOf(before)).to.contain('Let Google Drive say at once when something changes');
    expect(before).not.to.contain('id="calls"');
    const saved = await visitor.post(`${page}/schedule`, { every: '', webhooks: 'yes' });
    expect(saved).to.include({ status: 303, location: page });
    expect(textOf((await visitor.get(page)).html)).to.contain('The account is synced when its service calls.');
    const shown = await waitFor('the watch', async () => {
      const { html } = await visitor.get(page);
      return html.includes('Next renewal') && html;
    });
    expect(shown).to.match(/id="webhooks"[^>]* checked/);
    expect(textOf(shown))
      .to.match(/Watched 1 place Next renewal \d+ \w+ \d{4}/)
      .and.to.match(/Last call \d+ \w+ \d{4}, \d\d:\d\d UTC \(1 call so far\)/);
    const off = await visitor.post(`${page}/schedule`, { every: '' });
    expect(off.status).to.equal(303);
    expect((await visitor.get(page)).html).not.to.contain('id="calls"');
  });

  it('say why a service cannot call', async () => {
    const { config } = hub.context;
    const [{ baseUrl }, { apiUrl }] = [config, { ...config.google }];
    Object.assign(config, { baseUrl: 'http://hub.example.com' });
    Object.assign(config.google, { apiUrl: 'https://www.googleapis.com' });
    try {
      const { html } = await visitor.get(page);
      expect(html).to.match(/id="webhooks"[^>]* disabled/);
      expect(textOf(html)).to.contain('Set BASE_URL to a public https address first.');
      const forced = await visitor.post(`${page}/schedule`, { every: '1h', webhooks: 'yes' });
      expect(forced.status).to.equal(422);
      expect(forced.html).to.contain('id="webhooks-error"').and.to.contain('href="#webhooks"');
      expect((await hub.context.syncs.schedule(hub.admin, integration.id)).every).to.equal(null);
    } finally {
      Object.assign(config, { baseUrl });
      Object.assign(config.google, { apiUrl });
    }
  });

  it('say when nothing has changed, and tell syncs from imports', async () => {
    const first = await syncNow();
    await finished(first);
    const one = textOf((await visitor.get(first)).html);
    expect(one)
      .to.contain(`Sync of ${integration.accountEmail}`)
      .and.to.contain('Nothing has changed since it was imported.');
    const second = await syncNow();
    await finished(second);
    expect(textOf((await visitor.get(second)).html)).to.match(
      /Nothing has changed since \d+ \w+ \d{4}, \d\d:\d\d UTC \./,
    );
    const list = textOf((await visitor.get('/admin/imports')).html);
    expect(list).to.match(/Sync of \S+@\S+ Finished Nothing has changed .* Import: logs Finished 33 of 33 items done/);
    expect(textOf((await visitor.get('/admin/integrations')).html)).to.match(/Last synced \d+ \w+ \d{4}/);
  });

  it('ask before many documents are removed, name the first, and do as they are told', async () => {
    removeLogs(0, 22);
    const location = await syncNow();
    const asking = await held(location);
    expect(textOf(asking.html))
      .to.contain('This sync would remove 22 of 33 documents')
      .and.to.contain('The first 20 of them:')
      .and.to.contain('Needs an answer');
    expect(asking.html.match(/<li>Followed\/log \d+\.txt<\/li>/g)).to.have.length(20);
    expect(asking.html).not.to.contain('http-equiv="refresh"');
    expect((await visitor.post(`/admin/imports/${location.split('/').at(-1)}/removals`)).status).to.equal(400);
    const answered = await visitor.post(`${location}/removals`, { answer: 'remove' });
    expect(answered).to.include({ status: 303, location });
    expect((await visitor.get(location)).html).not.to.contain('data-import-held');
    await finished(location);
    const { html } = await visitor.get(`${location}?state=removed`);
    expect(html.match(/badge badge--removed">Removed</g)).to.have.length(22);
    expect(html).to.contain('It was deleted at the source');
  });

  it('keep the documents where a person wants so', async () => {
    removeLogs(22, 30);
    files.splice(
      files.findIndex(({ name }) => name === 'inner.txt'),
      1,
    );
    files.splice(
      files.findIndex(({ name }) => name === 'moves out.txt'),
      1,
    );
    files.splice(
      files.findIndex(({ name }) => name === 'deep.txt'),
      1,
    );
    const location = await syncNow();
    const asking = await held(location);
    expect(textOf(asking.html)).to.contain('This sync would remove 11 of 11 documents').and.to.contain('They are:');
    await visitor.post(`${location}/removals`, { answer: 'keep' });
    expect((await visitor.get(location)).html).to.contain('The documents are kept.');
    await finished(location);
    expect((await hub.context.documents.facets(hub.admin)).total).to.equal(11);
  });

  it('say why a sync failed', async () => {
    const location = await syncNow();
    const { counts } = await finished(location);
    expect(counts.total).to.equal(0);
    await hub.context.database
      .knex('imports')
      .where({ id: location.split('/').at(-1) })
      .update({ status: 'failed', problem: 'What changed could not be read. Google Drive is away.' });
    const text = textOf((await visitor.get(location)).html);
    expect(text).to.contain('The sync failed. What changed could not be read. Google Drive is away.');
    expect(text).to.contain('The sync ended before it found anything.');
  });

  it('stop following after a question, and keep what was imported', async () => {
    const { html } = await visitor.get(page);
    const link = /href="([^"]+\/stop)"/.exec(html)?.[1] ?? '';
    const question = await visitor.get(link);
    expect(question.html).to.contain('Stop following Followed?').and.to.contain('Yes, stop following it');
    const total = async () => (await hub.context.documents.facets(hub.admin)).total;
    const before = await total();
    expect(await visitor.post(link)).to.include({ status: 303, location: page });
    const shown = textOf((await visitor.get(page)).html);
    expect(shown).to.contain('It is no longer followed.').and.to.contain('Nothing of this account is followed yet.');
    expect((await visitor.get(link)).status).to.equal(404);
    expect(await total()).to.equal(before);
  });
});

onOneDatabase('the chart of the last syncs', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  let integration: Integration;
  let files: SandboxFile[];
  let page: string;
  before(async () => {
    ({ hub, visitor, integration, files, page } = await openFollowed(await open()));
  });
  after(() => hub.close());

  it('draws what they changed, and says it in words too', async () => {
    expect((await visitor.get(page)).html).not.to.contain('Last syncs');
    const followed = files.find(({ name }) => name === 'Followed');
    files.push(entry('charted.txt', followed?.id ?? '', 'A chart of the harbour.'));
    const { location = '' } = await visitor.post(`${page}/sync`);
    await finishedImport(hub, location.split('/').at(-1) ?? '');
    const { html } = await visitor.get(page);
    expect(html).to.match(
      /<svg class="chart"[^>]* role="img" aria-label="The last sync brought 1 change; none failed"/,
    );
    expect(html).to.match(/<title>[^<]*: 1 change<\/title>/);
    const again = (await visitor.post(`${page}/sync`)).location ?? '';
    await finishedImport(hub, again.split('/').at(-1) ?? '');
    expect(textOf((await visitor.get(page)).html)).to.contain(
      'The last 2 syncs brought 1 change, at most 1 at once; none failed.',
    );
    expect(textOf(html)).to.match(/At most [\d.]+ requests a second/);
    const others = await hub.context.imports.list(hub.member, { syncsOf: integration.id });
    expect(others.imports).to.deep.equal([]);
  });

  it('stands beside those of the requests, once there were any', async () => {
    const { knex } = hub.context.database;
    const [{ id }] = (await knex('user_integrations')
      .insert({ user_id: hub.admin.id, platform: 'dropbox', account_id: 'quiet' })
      .returning('id')) as [{ id: string }];
    const quiet = await visitor.get(`/admin/integrations/${id}`);
    expect(textOf(quiet.html)).to.contain('The hub asked Dropbox nothing for this account in the last 7 days.');
    expect(quiet.html).not.to.contain('<svg class="chart"');
    const counts = { integration_id: id, throttled: 0, failed: 0, paused_ms: 0 };
    const hour = (ago: number) => knex.raw(`date_trunc('hour', now()) - make_interval(hours => ?)`, [ago]);
    await knex('vendor_requests').insert([
      { ...counts, hour: hour(0), requests: 1200, throttled: 3, failed: 1, paused_ms: 42_000 },
      { ...counts, hour: hour(23), requests: 40 },
      { ...counts, hour: hour(24), requests: 7 },
      { ...counts, hour: hour(167), requests: 2, failed: 2 },
      { ...counts, hour: hour(168), requests: 1_000_000 },
    ]);
    const { html } = await visitor.get(`/admin/integrations/${id}`);
    expect(textOf(html))
      .to.contain('1,240 requests, at most 1,200 in an hour. Throttled 3 Pauses 42 seconds Failed 1 Last 7 days')
      .and.to.contain('1,249 requests, at most 1,200 in six hours. Throttled 3 Pauses 42 seconds Failed 3');
    expect(html.match(/<title>[^<]*: 1,200 requests, 3 throttled, 1 failed<\/title>/g)).to.have.length(4);
    expect(
      (await signInAs(hub.url, 'member@example.com').then((member) => member.get(`/admin/integrations/${id}`))).status,
    ).to.equal(404);
  });

  withBrowser('in a browser', () => {
    it('is accessible in light and dark', async () => {
      const browser = await startBrowser();
      try {
        const shown = await openSignedIn(browser, hub.url, hub.admin.email);
        for (const colorScheme of ['light', 'dark'] as const) {
          await shown.emulateMedia({ colorScheme });
          await shown.goto(page);
          await shown.getByRole('img', { name: 'brought 1 change' }).waitFor();
          expect(await accessibilityFaults(shown), colorScheme).to.deep.equal([]);
        }
      } finally {
        await browser.close();
      }
    });
  });
});
