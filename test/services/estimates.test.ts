import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import * as schemas from '../../server/api/schemas.ts';
import { estimateAnswer } from '../../server/api/filter-schemas.ts';
import { createEstimateService } from '../../server/services/estimate-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { answer, NOWHERE, openClient, problem, type Client } from '../api/client.ts';
import { ownSpace } from '../faults/vendors.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { connectScripted, createScriptedProvider, type ScriptedProvider } from '../helpers/scripted-provider.ts';
import { signInAs, type Page, type Visitor } from '../helpers/visitor.ts';

const LIMITS = { ms: 8000, items: 20_000 };

onOneDatabase('an estimate', (open) => {
  let hub: TestHub;
  let google: Integration;
  let wiki: Integration;
  let provider: ScriptedProvider;
  let call: Client['call'];
  let visitor: Visitor;
  let drive: { integrationId: string; fileId: string };
  let space: { integrationId: string; fileId: string };
  before(async function () {
    this.timeout(120_000);
    hub = await startHub({ database: await open() });
    ({ call } = await openClient(hub));
    visitor = await signInAs(hub.url, 'admin@example.com');
    google = await connectGoogle(hub, hub.admin);
    provider = createScriptedProvider({
      roots: [
        {
          name: 'Ferries',
          below: [
            {
              name: 'Timetable',
              text: 'It leaves at seven.',
              attachments: [{ name: 'tides.txt', text: 'High tide at noon.' }],
              below: [{ name: 'Winter', text: 'In winter it leaves at eight.' }],
            },
            { name: 'Sketch', locked: 'A whiteboard has no text to import.' },
            {
              name: 'Quays',
              below: [
                { name: 'North quay', text: 'Ramp.' },
                { name: 'South quay', text: 'Steps.' },
              ],
            },
          ],
        },
      ],
      listsDeep: false,
      pageSize: 2,
    });
    wiki = await connectScripted(hub, provider, hub.admin);
    drive = { integrationId: google.id, fileId: (await ownSpace(hub, google)).ref };
    space = { integrationId: wiki.id, fileId: provider.refOf('Ferries') };
  });
  after(() => hub.close());
  afterEach(() => limited(LIMITS));

  const limited = (limits: typeof LIMITS): void => {
    hub.context.estimates = createEstimateService({ ...hub.context, limits });
  };
  const estimate = async (body: object) =>
    answer(await call('POST', '/imports/estimate', { body }), 200, estimateAnswer);
  const tables = async () =>
    Promise.all(
      ['imports', 'import_items', 'import_folders', 'selections', 'scope_folders', 'documents'].map(async (table) =>
        Number(((await hub.context.database.knex(table).count('* as count').first()) as { count: string }).count),
      ),
    );
  /** While `work` runs, the service answers no listing. */
  const whileSilent = async <T>(work: () => Promise<T>): Promise<T> => {
    hub.context.providers.set('confluence', { ...provider, list: () => new Promise(() => undefined) });
    try {
      return await work();
    } finally {
      hub.context.providers.set('confluence', provider);
    }
  };

  it('counts every account and writes nothing', async () => {
    const before = await tables();
    const found = await estimate({ items: [drive, space] });
    expect(found).to.include({ complete: true, unchanged: 0, filtered: 0 });
    expect(found.problems).to.deep.equal([]);
    const [ofDrive, ofSpace] = found.accounts;
    expect(ofDrive).to.include({ integrationId: google.id, platform: 'google_drive', complete: true });
    expect(ofSpace).to.include({ files: 5, bytes: 0, importable: 4, sizeUnknown: 4 });
    expect(ofSpace?.unsupported).to.deep.equal([{ reason: 'A whiteboard has no text to import.', count: 1 }]);
    expect(found.files).to.equal((ofDrive?.files ?? 0) + 5);
    expect(ofDrive?.bytes).to.be.greaterThan(1000);
    expect(await tables()).to.deep.equal(before);
  });

  it('goes as far as its import would: right inside, to the bottom, with what hangs on the pages', async () => {
    const page = { integrationId: wiki.id, fileId: provider.refOf('Timetable') };
    const files = async (body: object) => (await estimate(body)).files;
    expect(await files({ items: [space], recursive: false })).to.equal(2);
    expect(await files({ items: [space], includeAttachments: true })).to.equal(6);
    expect(await files({ items: [page] })).to.equal(1);
    expect(await files({ items: [page], includeChildren: true })).to.equal(2);
    expect(await files({ items: [page, page, space], includeAttachments: true })).to.equal(6);
    const types = { types: ['mail'] };
    expect(await estimate({ items: [page], includeChildren: true, filters: types })).to.include({
      importable: 1,
      filtered: 1,
    });
  });

  it('counts what was imported before and is the same', async () => {
    const { id } = await hub.context.imports.create(hub.admin, {
      items: [{ integrationId: wiki.id, ref: provider.refOf('Quays') }],
    });
    expect((await finishedImport(hub, id)).counts).to.include({ indexed: 2 });
    expect(await estimate({ items: [space] })).to.include({ files: 5, importable: 2, unchanged: 2 });
  });

  it('loses only the part of a vendor that fails, and says which', async () => {
    provider.failNext('list', 'Quays', new ProviderError('denied', 'confluence', 'The account may not see it.'));
    const found = await estimate({ items: [drive, space] });
    expect(found.complete).to.equal(false);
    expect(found.accounts.map(({ complete }) => complete)).to.deep.equal([true, false]);
    expect(found.accounts[1]?.files).to.equal(3);
    expect(found.problems).to.deep.equal([
      {
        integrationId: wiki.id,
        code: 'vendor_denied',
        message: 'What is in “Quays” could not be listed. The account may not see it.',
      },
    ]);
    const gone = await estimate({ items: [{ integrationId: wiki.id, fileId: 'no-such-page' }, drive] });
    expect(gone.problems[0]?.message).to.equal('A selected item could not be found. The item does not exist any more.');
    expect(gone.accounts[1]?.files).to.be.greaterThan(0);
  });

  it('does not wait for a vendor that does not answer', async () => {
    limited({ ms: 700, items: 1000 });
    const found = await whileSilent(() => estimate({ items: [drive, space] }));
    expect(found.complete).to.equal(false);
    expect(found.problems).to.deep.equal([
      {
        integrationId: wiki.id,
        code: 'vendor_timeout',
        message: 'Harbour Wiki did not answer within 0.7 seconds, so nothing of this account is counted.',
      },
    ]);
    expect(found.accounts[0]).to.include({ complete: true });
  });

  it('stops at a number of items and says so', async () => {
    limited({ ms: 8000, items: 2 });
    const found = await estimate({ items: [space] });
    expect(found).to.include({ complete: false });
    expect(found.files).to.be.within(1, 4);
    expect(found.problems.map(({ code, message }) => [code, message])).to.deep.equal([
      ['too_many', 'More than 2 items were found; the rest is not counted here.'],
    ]);
    limited({ ms: 8000, items: 6 });
    expect((await estimate({ items: [space] })).complete).to.equal(true);
  });

  it('says which account needs reconnecting, and counts the others', async () => {
    const accounts = () => hub.context.database.knex('user_integrations').where({ id: wiki.id });
    await accounts().update({
      status: 'needs_reconnect',
      status_detail: 'The grant has ended. Reconnect the account.',
    });
    const found = await estimate({ items: [drive, space] });
    await accounts().update({ status: 'active', status_detail: null });
    expect(found.problems).to.deep.equal([
      { integrationId: wiki.id, code: 'needs_reconnect', message: 'The grant has ended. Reconnect the account.' },
    ]);
    expect(found.accounts.map(({ complete }) => complete)).to.deep.equal([true, false]);
  });

  it('is refused for what is wrong in its body, and for accounts of others', async () => {
    const wrong = async (filters: unknown): Promise<string[]> => {
      for (const route of ['/imports/estimate', '/imports']) {
        const found = await problem(
          await call('POST', route, { body: { items: [space], filters } }),
          422,
          'invalid_input',
        );
        if (route === '/imports') return (found.errors ?? []).map(({ message }) => message);
      }
      return [];
    };
    expect(await wrong({ types: ['fax'] })).to.deep.equal([
      'filters.types.0: must be one of pdf, word, powerpoint, spreadsheets, web, text, mail, pages, other.',
    ]);
    expect(await wrong({ minBytes: 10, maxBytes: 9 })).to.deep.equal(['filters.minBytes: must not be above maxBytes.']);
    expect(await wrong({ maxBytes: 0 })).to.deep.equal(['filters.maxBytes: must be at least 1.']);
    expect(await wrong({ namePattern: '!' })).to.deep.equal([
      'filters.namePattern: must name something, for example *.pdf, !draft*.',
    ]);
    expect(await wrong({ modifiedAfter: 'yesterday' })).to.deep.equal([
      'filters.modifiedAfter: must be a day or an ISO 8601 time, for example 2026-03-01.',
    ]);
    expect(await wrong({ regex: '.*' })).to.deep.equal(['filters.regex: is not known here.']);
    await problem(await call('POST', '/imports/estimate', { body: { items: [] } }), 422, 'invalid_input');
    const nowhere = { items: [{ integrationId: NOWHERE, fileId: 'x' }] };
    await problem(await call('POST', '/imports/estimate', { body: nowhere }), 404, 'not_found');
    const body = { items: [space] };
    await problem(await call('POST', '/imports/estimate', { body, user: hub.member }), 404, 'not_found');
  });

  it('has filters like the import, which tells them again, as does what is followed', async () => {
    const filters = { types: ['pages'], namePattern: '*quay', modifiedAfter: '2026-03-01' };
    const body = { items: [space], filters };
    expect(await estimate(body)).to.include({ files: 5, filtered: 3, unchanged: 2, importable: 0 });
    const { importId } = await answer(await call('POST', '/imports', { body }), 202, schemas.importStartedAnswer);
    await finishedImport(hub, importId);
    const shown = await answer(await call('GET', `/imports/${importId}`), 200, schemas.importAnswer);
    expect(shown.filters).to.deep.equal(filters);
    expect(shown.counts).to.include({ total: 5, unchanged: 2, skipped: 3 });
    const followed = await answer(
      await call('GET', '/integrations/confluence/selections'),
      200,
      schemas.selectionsAnswer,
    );
    expect(followed.selections.find(({ name }) => name === 'Ferries')?.filters).to.deep.equal(filters);
    const words = 'Filters: type Pages and issues; name *quay; changed on 1 Mar 2026 or later.';
    expect((await visitor.get(`/admin/imports/${importId}`)).html).to.contain(words);
    expect((await visitor.get(`/admin/integrations/${wiki.id}`)).html).to.contain(words);
    const one = { fileIds: [space.fileId], filters: null };
    const plain = await answer(
      await call('POST', '/integrations/confluence/import', { body: one, headers: { prefer: 'wait=30' } }),
      200,
      schemas.importDoneAnswer,
    );
    expect((await hub.context.imports.get(hub.admin, plain.importId)).filters).to.equal(undefined);
  }).timeout(60_000);

  describe('on its page', () => {
    const boxOf = (html: string, name: string): string =>
      new RegExp(`name="item" value="([^"]*)"[^>]*aria-label="Select ${name}"`).exec(html)?.[1] ??
      expect.fail(`there is no box of ${name}`);
    /** The value of a field; for a box whether it is ticked. */
    const fieldOf = (html: string, id: string): string | boolean => {
      const tag = new RegExp(`<input[^>]*id="${id}"[^>]*>`).exec(html)?.[0] ?? expect.fail(`there is no ${id}`);
      return tag.includes('type="checkbox"') ? tag.includes(' checked') : (/value="([^"]*)"/.exec(tag)?.[1] ?? '');
    };
    /** What the form of the review sends, as a browser would. */
    const sentBy = (html: string): Record<string, string[]> => {
      const sent: Record<string, string[]> = {};
      const form = /<form method="post" action="\/admin\/imports">[^]*?<\/form>/.exec(html)?.[0] ?? '';
      for (const [, name = '', value = ''] of form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g))
        if (name !== '_csrf') (sent[name] ??= []).push(value.replaceAll('&amp;', '&'));
      return sent;
    };
    const figure = (html: string, label: string): string =>
      new RegExp(`<dt>${label}</dt><dd>([^<]*)`).exec(html)?.[1] ?? expect.fail(`there is no ${label}`);
    const FILTERS = {
      types: ['pages', 'text'],
      maxSize: '10 MB',
      namePattern: '!south*',
      minSize: '',
      modifiedAfter: '',
    };
    const here = () => `/admin/browse?integration=${wiki.id}`;

    async function review(): Promise<Page> {
      const item = boxOf((await visitor.get(here())).html, 'Ferries');
      const sent = await visitor.post('/admin/browse/review', {
        item,
        return: here(),
        category: ' quays ',
        includeAttachments: 'yes',
        ...FILTERS,
      });
      expect(sent.status).to.equal(303);
      return visitor.get(sent.location ?? '');
    }

    it('says what would come, goes back with everything kept, and imports just that', async () => {
      const { status, html } = await review();
      expect(status).to.equal(200);
      expect(html).to.contain('1 selected item of 1 account').and.contain('Category “quays”.');
      expect(html).to.contain(
        'Attachments and comments are included. Filters: type Text and Markdown or Pages and issues;',
      );
      expect(figure(html, 'Files found')).to.equal('6');
      expect(figure(html, 'Left out by the filters')).to.equal('1');
      expect(html).not.to.contain('at least').and.not.to.contain('role="alert"');
      expect(html).to.contain(`<a class="button button--secondary" href="${here()}">Back to the selection</a>`);
      const back = (await visitor.get(here())).html;
      expect(
        ['category', 'maxSize', 'namePattern', 'type-pages', 'type-pdf'].map((id) => fieldOf(back, id)),
      ).to.deep.equal([' quays ', '10 MB', '!south*', true, false]);
      expect(fieldOf(back, 'includeAttachments')).to.equal(true);
      expect(back).to.contain('3 set').and.contain('1 item');
      const { status: started, location = '' } = await visitor.post('/admin/imports', sentBy(html));
      expect(started).to.equal(303);
      const detail = await finishedImport(hub, location.split('/').at(-1) ?? '');
      expect(detail).to.deep.include({
        category: 'quays',
        includeAttachments: true,
        filters: { types: ['text', 'pages'], maxBytes: 10_000_000, namePattern: '!south*' },
      });
      expect(detail.counts.total).to.equal(6);
      expect(detail.items.filter(({ reasonCode }) => reasonCode === 'filtered').map(({ name }) => name)).to.deep.equal([
        'South quay',
      ]);
      const after = (await visitor.get(here())).html;
      expect(fieldOf(after, 'maxSize')).to.equal('');
      expect(after).not.to.contain(' set</span>');
    }).timeout(60_000);

    it('says plainly that there is more than was counted', async () => {
      limited({ ms: 500, items: 1000 });
      const { html } = await whileSilent(review);
      expect(html).to.contain('Not everything could be counted here');
      expect(html).to.contain('How much would be imported is not known');
      expect(html).to.contain('Harbour Wiki did not answer within 0.5 seconds');
      expect(figure(html, 'Files found')).to.equal('0 so far');
      await visitor.post('/admin/browse/selection/clear');
    });

    it('is not reached with a filter that is wrong: the browser says so beside the field, and keeps what was typed', async () => {
      const item = boxOf((await visitor.get(here())).html, 'Ferries');
      const typed = { ...FILTERS, minSize: 'big', namePattern: '!', category: 'quays' };
      for (const route of ['/admin/browse/review', '/admin/imports']) {
        const { status, html } = await visitor.post(route, { item, return: here(), ...typed });
        expect(status).to.equal(422);
        expect(html).to.contain('There are 2 problems').and.contain('href="#minSize"');
        expect(/<p class="field__error" id="minSize-error">[^]*?<\/p>/.exec(html)?.[0]).to.contain(
          'Enter a size such as',
        );
        expect(/<details[^>]*basket__filters[^>]*>/.exec(html)?.[0]).to.contain(' open');
        expect(
          ['minSize', 'maxSize', 'namePattern', 'category', 'type-text'].map((id) => fieldOf(html, id)),
        ).to.deep.equal(['big', '10 MB', '!', 'quays', true]);
        expect(html).to.contain('<p class="basket__count">1 item</p>');
      }
      await visitor.post('/admin/browse/selection/clear');
    });

    it('is for a selection only', async () => {
      await visitor.post('/admin/browse/selection/clear');
      const { status, location } = await visitor.get('/admin/browse/review?from=https://evil.example');
      expect([status, location]).to.deep.equal([303, '/admin/browse']);
      expect((await visitor.get('/admin/browse')).html).to.contain('Nothing is selected.');
      const none = await visitor.post('/admin/browse/review', {});
      expect(none.status).to.equal(422);
      expect(none.html).to.contain('Tick at least one file or folder to import.');
    });
  });
});
