import { expect } from 'chai';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectAccountOf, connectGoogle } from '../helpers/connect.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { daysAgo, seedDocuments } from '../helpers/documents.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';

/** The counts of one facet of the list's page. */
function facet(html: string, title: string): Record<string, string> {
  const nav = html.split('<nav').find((part) => new RegExp(`<h2[^>]*>${title}</h2>`).test(part)) ?? '';
  return Object.fromEntries(
    [...nav.matchAll(/<li><a [^>]*>(.*?)<\/a>/g)].map(([, inside = '']) => {
      const [, label = '', count = ''] = /<span[^>]*>([^<]*)<\/span><span[^>]*>([^<]*)/.exec(inside) ?? [];
      return [label, count];
    }),
  );
}

/** Where a facet's link leads. */
function linkOf(html: string, label: string): string {
  const href = new RegExp(`<a href="([^"]*)"[^>]*><span[^>]*>${label}</span>`).exec(html)?.[1];
  if (href === undefined) throw new Error(`there is no link “${label}”`);
  return href.replaceAll('&amp;', '&');
}

const titles = (html: string): string[] =>
  [...html.matchAll(/class="item__name" href="[^"]*">([^<]*)</g)].map(([, title = '']) => title);

onEachDatabase('the list of documents', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  let drive: Integration;
  let dropbox: Integration;
  before(async () => {
    hub = await startHub({ database: await open() });
    drive = await connectGoogle(hub, hub.admin);
    dropbox = await connectAccountOf(hub, hub.admin, 'dropbox');
    const { knex } = hub.context.database;
    const fromDrive = { platform: 'google_drive' as const, integrationId: drive.id };
    const fromDropbox = { platform: 'dropbox' as const, integrationId: dropbox.id };
    await seedDocuments(knex, hub.admin.id, [
      {
        title: 'Alpha',
        ...fromDrive,
        category: 'safety',
        followed: true,
        modifiedAt: daysAgo(1),
        importedAt: daysAgo(3),
      },
      { title: 'bravo', ...fromDrive, category: 'safety', modifiedAt: daysAgo(20), importedAt: daysAgo(2) },
      {
        title: 'Charlie',
        ...fromDropbox,
        category: 'finance',
        followed: true,
        modifiedAt: daysAgo(200),
        importedAt: daysAgo(1),
      },
      { title: 'Delta', ...fromDropbox, modifiedAt: daysAgo(800), importedAt: daysAgo(4) },
      { title: 'Echo', platform: 'jira', category: 'finance', importedAt: daysAgo(5) },
    ]);
    await seedDocuments(knex, hub.member.id, [{ title: 'Foreign', category: 'hidden', platform: 'confluence' }]);
    visitor = await signInAs(hub.url, hub.admin.email);
  });
  after(() => hub.close());

  it('counts every facet without its own filter and with all others', async () => {
    const all = (await visitor.get('/admin/documents')).html;
    expect(facet(all, 'Source')).to.deep.equal({ 'Google Drive': '2', Dropbox: '2', Jira: '1' });
    expect(Object.values(facet(all, 'Account'))).to.deep.equal(['2', '2']);
    expect(facet(all, 'Category')).to.deep.equal({ finance: '2', safety: '2', 'No category': '1' });
    expect(facet(all, 'Sync')).to.deep.equal({ Followed: '2', 'Imported once': '2', Disconnected: '1' });
    expect(facet(all, 'Changed at its source')).to.deep.equal({
      'In the last 7 days': '1',
      '8 to 30 days ago': '1',
      '1 to 12 months ago': '1',
      'Over a year ago': '1',
      'Not known': '1',
    });
    const { html } = await visitor.get(linkOf(all, 'finance'));
    expect(titles(html)).to.deep.equal(['Charlie', 'Echo']);
    expect(facet(html, 'Category')).to.deep.equal({ finance: '2', safety: '2', 'No category': '1' });
    expect(facet(html, 'Source')).to.deep.equal({ Dropbox: '1', Jira: '1' });
    const both = await visitor.get(linkOf(html, 'Dropbox'));
    expect(titles(both.html)).to.deep.equal(['Charlie']);
    expect(linkOf(both.html, 'Dropbox')).to.equal('/admin/documents?category=finance');
    expect(textOf(both.html)).to.contain('1 document match');
  });

  it('keeps search, filters and order together in its address', async () => {
    const { html } = await visitor.get('/admin/documents?q=a&sort=title-up&state=followed');
    expect(titles(html)).to.deep.equal(['Charlie', 'Alpha']);
    for (const href of [linkOf(html, 'safety'), linkOf(html, 'Title, A to Z')])
      expect(href)
        .to.contain('q=a')
        .and.to.contain('state=followed')
        .and.to.match(/sort=title/);
    expect(html).to.match(/aria-sort="descending"><a href="[^"]*sort=title"/);
  });

  it('sorts by title, change and import, both ways, with what has no date last', async () => {
    const inOrder = async (sort: string) => titles((await visitor.get(`/admin/documents?sort=${sort}`)).html).join(' ');
    expect(await inOrder('title')).to.equal('Alpha bravo Charlie Delta Echo');
    expect(await inOrder('title-up')).to.equal('Echo Delta Charlie bravo Alpha');
    expect(await inOrder('changed')).to.equal('Alpha bravo Charlie Delta Echo');
    expect(await inOrder('changed-up')).to.equal('Delta Charlie bravo Alpha Echo');
    expect(await inOrder('imported')).to.equal('Charlie bravo Alpha Delta Echo');
    expect(await inOrder('imported-up')).to.equal('Echo Delta Alpha bravo Charlie');
    expect(await inOrder('nonsense')).to.equal(await inOrder('imported'));
  });

  it('says what is paused while an account cannot be read, and finds what has no category', async () => {
    const { knex } = hub.context.database;
    await knex('user_integrations').where({ id: dropbox.id }).update({ status: 'needs_reconnect' });
    const { html } = await visitor.get('/admin/documents?uncategorised=yes&state=paused&age=older');
    expect(titles(html)).to.deep.equal(['Delta']);
    await knex('user_integrations').where({ id: dropbox.id }).update({ status: 'active' });
  });

  it('shows nobody else’s documents, categories or accounts, and takes no account of somebody else', async () => {
    const { html } = await visitor.get('/admin/documents');
    expect(textOf(html)).not.to.contain('Foreign').and.not.to.contain('hidden').and.not.to.contain('Confluence');
    const member = await signInAs(hub.url, hub.member.email);
    const own = (await member.get('/admin/documents')).html;
    expect(titles(own)).to.deep.equal(['Foreign']);
    expect(facet(own, 'Category')).to.deep.equal({ hidden: '1' });
    expect((await member.get(`/admin/documents?integration=${drive.id}`)).status).to.equal(404);
    expect((await member.get('/admin/documents?category=finance')).html).to.contain('No document matches');
  });

  for (const sort of ['imported', 'imported-up', 'changed', 'changed-up', 'title', 'title-up'])
    it(`shows each of many documents once over all pages, by ${sort}`, async () => {
      const { knex } = hub.context.database;
      await knex('documents').where({ category: 'many' }).delete();
      const at = daysAgo(9);
      await seedDocuments(
        knex,
        hub.admin.id,
        Array.from({ length: 120 }, (_, n) => ({
          title: `Paged ${n % 7}`,
          path: `Page ${n}`,
          category: 'many',
          importedAt: at,
          modifiedAt: n % 3 ? at : undefined,
        })),
      );
      const seen: string[] = [];
      let next: string | undefined = `/admin/documents?category=many&sort=${sort}`;
      for (let page = 0; next !== undefined && page < 5; page += 1) {
        const { html }: { html: string } = await visitor.get(next);
        seen.push(...[...html.matchAll(/name="id" value="([^"]*)"/g)].map(([, id = '']) => id));
        next = /<a [^>]*href="([^"]*)" rel="next"/.exec(html)?.[1]?.replaceAll('&amp;', '&');
      }
      expect(seen).to.have.length(120);
      expect(new Set(seen).size).to.equal(120);
    });
});
