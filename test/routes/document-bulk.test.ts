import { expect } from 'chai';
import type { Integration } from '../../server/services/integration-service.ts';
import { accessibilityFaults, openSignedIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { seedDocuments } from '../helpers/documents.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';

onOneDatabase('many documents at once', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  let drive: Integration;
  let foreign: string;
  beforeEach(async () => {
    hub = await startHub({ database: await open() });
    drive = await connectGoogle(hub, hub.admin);
    const { knex } = hub.context.database;
    await seedDocuments(knex, hub.admin.id, [
      ...Array.from({ length: 3 }, (_, n) => ({
        title: `Kept ${n}`,
        integrationId: drive.id,
        category: 'keep',
        chunks: 1,
      })),
      ...Array.from({ length: 1_100 }, (_, n) => ({
        title: `Log ${n}`,
        integrationId: n < 2 ? undefined : drive.id,
        category: 'logs',
        followed: n > 1000,
        chunks: 1,
      })),
    ]);
    [foreign = ''] = await seedDocuments(knex, hub.member.id, [{ title: 'Foreign', category: 'logs' }]);
    visitor = await signInAs(hub.url, hub.admin.email);
  });
  afterEach(() => hub.close());

  const count = async (where: object): Promise<number> =>
    Number((await hub.context.database.knex('documents').where(where).count('* as n').first<{ n: string }>())?.n);
  const idOf = async (title: string): Promise<string> =>
    (await hub.context.database.knex('documents').where({ title }).first<{ id: string }>('id')).id;

  it('deletes all that match after a question that says how many, and nothing else', async () => {
    const { html } = await visitor.get('/admin/documents/change?do=delete&which=all&category=logs');
    expect(textOf(html))
      .to.contain('Delete 1,100 documents?')
      .and.to.contain('1,100 chunks')
      .and.to.contain('99 documents of these lie');
    const fields = { do: 'delete', which: 'all', category: 'logs', expected: '1100' };
    const answer = await visitor.post('/admin/documents/change', fields);
    expect(answer.status).to.equal(303);
    expect(answer.location).to.equal('/admin/documents?category=logs');
    expect(textOf((await visitor.get('/admin/documents')).html)).to.contain('1,100 documents deleted from the hub.');
    expect(await count({ user_id: hub.admin.id })).to.equal(3);
    expect(await count({ id: foreign })).to.equal(1);
    const { entries } = await hub.context.audit.list(hub.admin, { action: 'document_deleted' }, { limit: 10 });
    expect(entries.map(({ details }) => details.deleted)).to.deep.equal([100, 500, 500]);
  });

  it('does nothing when other documents match by now than the question was about', async () => {
    const fields = { do: 'delete', which: 'all', category: 'logs', expected: '1099' };
    const answer = await visitor.post('/admin/documents/change', fields);
    expect(answer.status).to.equal(409);
    expect(textOf(answer.html)).to.contain('There are 1,100 documents now, and nothing was done yet.');
    expect(await count({ category: 'logs', user_id: hub.admin.id })).to.equal(1100);
    expect((await visitor.post('/admin/documents/change', { ...fields, expected: '' })).status).to.equal(409);
  });

  it('touches only the user’s own among the ticked ones', async () => {
    const own = await idOf('Kept 0');
    const { html } = await visitor.get(`/admin/documents/change?do=delete&id=${own}&id=${foreign}&id=nonsense`);
    expect(textOf(html)).to.contain('Delete 1 document?').and.not.to.contain('Foreign');
    await visitor.post('/admin/documents/change', { do: 'delete', id: [own, foreign], expected: '1' });
    expect([await count({ id: own }), await count({ id: foreign })]).to.deep.equal([0, 1]);
    expect((await visitor.get(`/admin/documents/change?do=delete&id=${foreign}`)).status).to.equal(404);
    for (const action of ['delete', 'sync', 'category']) {
      const answer = await visitor.post('/admin/documents/change', {
        do: action,
        id: foreign,
        newCategory: 'taken',
        expected: '1',
      });
      expect(answer.status, action).to.equal(404);
    }
    expect(await count({ id: foreign, category: 'logs' })).to.equal(1);
  });

  it('changes the category of all that match, tells how many had it, and takes it away', async () => {
    const fields = { do: 'category', which: 'all', q: 'Log', expected: '1100' };
    await hub.context.database.knex('documents').where({ title: 'Log 5' }).update({ category: 'archive' });
    await visitor.post('/admin/documents/change', { ...fields, newCategory: ' archive ' });
    expect(textOf((await visitor.get('/admin/documents')).html)).to.contain(
      '1,099 documents now have the category “archive”. 1 had it already.',
    );
    expect(await count({ category: 'archive' })).to.equal(1100);
    const tooLong = await visitor.post('/admin/documents/change', { ...fields, newCategory: 'x'.repeat(101) });
    expect(tooLong.status).to.equal(422);
    expect(textOf(tooLong.html)).to.contain('Enter a category of 100 characters or fewer.');
    await visitor.post('/admin/documents/change', { ...fields, newCategory: '' });
    expect(await count({ category: null, user_id: hub.admin.id })).to.equal(1100);
    expect(await count({ category: 'keep' })).to.equal(3);
    expect(await count({ id: foreign, category: 'logs' })).to.equal(1);
  });

  it('imports again in imports of 500 what its account can be asked for, and says what is left out', async () => {
    const address = '/admin/documents/change?do=sync&which=all&category=logs';
    const question = textOf((await visitor.get(address)).html);
    expect(question).to.contain('Import 1,098 documents again?').and.to.contain('in 3 imports');
    expect(question).to.contain('2 documents: Their account is disconnected.');
    const fields = { do: 'sync', which: 'all', category: 'logs', expected: '1100' };
    const answer = await visitor.post('/admin/documents/change', fields);
    expect(answer.location).to.equal('/admin/imports');
    const { imports } = await hub.context.imports.list(hub.admin);
    expect(imports.map(({ counts }) => counts.total).sort()).to.deep.equal([500, 500, 98]);
    expect(await hub.context.syncs.selections(hub.admin, drive.id)).to.deep.equal([]);
    await hub.context.database.knex('user_integrations').where({ id: drive.id }).update({ status: 'needs_reconnect' });
    const none = await visitor.get(address);
    expect(textOf(none.html)).to.contain('None of these documents can be imported again.');
    expect(textOf(none.html)).to.contain('1,098 documents: Their account needs attention.');
    expect((await visitor.post('/admin/documents/change', fields)).status).to.equal(409);
  });

  it('asks for a tick where nothing is chosen', async () => {
    const answer = await visitor.get('/admin/documents/change?do=delete&which=ticked&category=logs');
    expect([answer.status, answer.location]).to.deep.equal([303, '/admin/documents?category=logs']);
    expect(textOf((await visitor.get('/admin/documents')).html)).to.contain('Tick at least one document');
  });

  withBrowser('in a browser', () => {
    it('ticks a whole page, asks, and is accessible in light and dark', async () => {
      const browser = await startBrowser();
      try {
        const page = await openSignedIn(browser, hub.url, hub.admin.email);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          for (const width of [1440, 390]) {
            await page.setViewportSize({ width, height: 900 });
            await page.goto('/admin/documents?category=keep');
            expect(await accessibilityFaults(page), `list ${colorScheme} ${width}`).to.deep.equal([]);
            expect(await page.getByRole('link', { name: 'logs 1,100' }).isVisible()).to.equal(width === 1440);
          }
          for (const action of ['sync', 'category', 'delete']) {
            await page.goto(`/admin/documents/change?do=${action}&which=all&category=logs`);
            expect(await accessibilityFaults(page), `${action} ${colorScheme}`).to.deep.equal([]);
          }
        }
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.goto('/admin/documents?category=keep');
        await page.getByLabel('Select all on this page').check();
        await page.getByLabel('Select Kept 1').uncheck();
        await page.getByRole('button', { name: 'Delete' }).click();
        await page.getByRole('button', { name: 'Yes, delete 2 documents' }).click();
        await page.getByText('2 documents deleted from the hub.').waitFor();
        expect(await page.getByRole('row').count()).to.equal(2);
      } finally {
        await browser.close();
      }
    });
  });
});
