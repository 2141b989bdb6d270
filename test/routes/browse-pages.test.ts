import { expect } from 'chai';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { connectScripted, createScriptedProvider, type ScriptedProvider } from '../helpers/scripted-provider.ts';
import { signInAs, type Visitor } from '../helpers/visitor.ts';

const BODY = 'the-text-of-a-page-that-came-with-the-listing';

onOneDatabase('browsing items that hold items', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let provider: ScriptedProvider;
  let visitor: Visitor;
  before(async () => {
    hub = await startHub({ database: await open() });
    provider = createScriptedProvider({
      roots: [
        {
          name: 'Ferries',
          below: [
            {
              name: 'Timetable',
              text: BODY,
              details: { Space: 'Ferries & <Quays>', Labels: ['harbour', 'tide'] },
              attachments: [{ name: 'tides.txt', text: 'High tide at noon.' }],
              below: [
                { name: 'Winter', text: 'In winter it leaves at seven.', below: [{ name: 'Ice days', text: 'None.' }] },
              ],
            },
            {
              name: 'Sketch',
              locked: 'A whiteboard has no text to import.',
              below: [{ name: 'Notes', text: 'Blue.' }],
            },
            { name: 'Imprint', text: 'Harbour Office.' },
          ],
        },
      ],
      found: [{ name: 'Everything about fog', below: [{ name: 'Fog signals', text: 'Three long blasts.' }] }],
      listsDeep: true,
      pageSize: 100,
    });
    visitor = await signInAs(hub.url, 'admin@example.com');
  });
  after(() => hub.close());

  const place = (name: string): string =>
    `/admin/browse?${new URLSearchParams({ integration: integration.id, ref: provider.refOf(name) }).toString()}`;
  /** What the checkbox of an item sends, and whether it can be ticked. */
  const boxOf = (html: string, name: string) => {
    const tag = [...html.matchAll(/<input type="checkbox"[^>]*>/g)].find(([text]) => text.includes(`"Select ${name}"`));
    const text = tag?.[0] ?? '';
    return {
      value: /value="([^"]*)"/.exec(text)?.[1] ?? '',
      disabled: / disabled/.test(text),
      checked: / checked/.test(text),
    };
  };
  const leadsTo = (html: string, name: string): boolean =>
    html.includes(`href="${place(name).replaceAll('&', '&amp;')}">${name}</a>`);
  const importOf = async (location: string | undefined) => finishedImport(hub, location?.split('/').at(-1) ?? '');

  it('asks what comes along only where an account has such things', async () => {
    await connectGoogle(hub, hub.admin);
    expect((await visitor.get('/admin/browse')).html)
      .not.to.contain('includeChildren')
      .and.not.to.contain('includeAttachments');
    integration = await connectScripted(hub, provider, hub.admin);
    const { html } = await visitor.get('/admin/browse');
    expect(html).to.contain('Include sub-pages').and.to.contain('Include attachments and comments');
    expect(html).to.contain('Harbour Wiki: a selected page brings');
  });

  it('gives a page that holds items both a box and a link, and others a box alone', async () => {
    const { html } = await visitor.get(place('Ferries'));
    expect([leadsTo(html, 'Timetable'), leadsTo(html, 'Sketch'), leadsTo(html, 'Imprint')]).to.deep.equal([
      true,
      true,
      false,
    ]);
    expect(boxOf(html, 'Timetable').disabled).to.equal(false);
    expect(boxOf(html, 'Sketch').disabled).to.equal(true);
    const inside = (await visitor.get(place('Timetable'))).html;
    expect(leadsTo(inside, 'Winter')).to.equal(true);
    expect(boxOf(inside, 'tides.txt').value).not.to.equal('');
    const deeper = (await visitor.get(place('Winter'))).html;
    const trail = /<nav class="breadcrumbs"[^]*?<\/nav>/.exec(deeper)?.[0] ?? '';
    expect([...trail.matchAll(/>([^<>\s][^<>]*)</g)].map(([, name]) => name).slice(2)).to.deep.equal([
      'Ferries',
      'Timetable',
      'Winter',
    ]);
    expect((await visitor.get(place('Ice days'))).html).to.contain('There is nothing below this page.');
  });

  it('says what a selected space or page means for what is below it', async () => {
    const top = await visitor.get(`/admin/browse?integration=${integration.id}`);
    await visitor.post('/admin/browse/selection/add', { item: boxOf(top.html, 'Ferries').value });
    const space = (await visitor.get(place('Ferries'))).html;
    expect(space).to.contain('Everything here is part of the selected folder “Ferries”.');
    expect(boxOf(space, 'Timetable')).to.include({ disabled: true, checked: true });
    const page = (await visitor.get(place('Timetable'))).html;
    expect(page).to.contain('This is part of the selected folder “Ferries”, and so are the pages below it.');
    expect(boxOf(page, 'tides.txt')).to.include({ disabled: false, checked: false });
    await visitor.post('/admin/browse/selection/clear');
    await visitor.post('/admin/browse/selection/add', { item: boxOf(space, 'Timetable').value });
    expect((await visitor.get(place('Winter'))).html).to.contain(
      '“Timetable” is selected. What is below it comes along if you include it.',
    );
    await visitor.post('/admin/browse/selection/clear');
  });

  it('keeps what is chosen beside the selection while people move about', async () => {
    const isTicked = async (name: string) =>
      new RegExp(`<input[^>]*id="${name}"[^>]* checked`).test((await visitor.get(place('Timetable'))).html);
    await visitor.post('/admin/browse/selection/add', { includeAttachments: 'yes' });
    expect([await isTicked('includeChildren'), await isTicked('includeAttachments')]).to.deep.equal([false, true]);
    await visitor.post('/admin/browse/selection/add', { includeChildren: 'yes' });
    expect([await isTicked('includeChildren'), await isTicked('includeAttachments')]).to.deep.equal([true, false]);
  });

  it('imports what was ticked with what was chosen, says so, and keeps no text of a listing', async () => {
    const { html } = await visitor.get(place('Ferries'));
    const item = boxOf(html, 'Timetable').value;
    expect(Buffer.from(item, 'base64url').toString()).not.to.contain(BODY);
    const refused = await visitor.post('/admin/imports', { item, includeChildren: 'yes', category: 'x'.repeat(101) });
    expect(refused.status).to.equal(422);
    expect(/<input[^>]*id="includeChildren"[^>]*>/.exec(refused.html)?.[0]).to.contain(' checked');
    expect(/<input[^>]*id="includeAttachments"[^>]*>/.exec(refused.html)?.[0]).not.to.contain(' checked');
    const { location } = await visitor.post('/admin/imports', {
      item,
      includeChildren: 'yes',
      includeAttachments: 'yes',
    });
    const detail = await importOf(location);
    expect(detail.items.map(({ path }) => path).sort()).to.deep.equal([
      'Ferries/Timetable',
      'Ferries/Timetable/Winter',
      'Ferries/Timetable/Winter/Ice days',
      'Ferries/Timetable/tides.txt',
    ]);
    const page = (await visitor.get(location ?? '')).html;
    expect(page).to.contain('Sub-pages, attachments and comments are included.').and.not.to.contain(BODY);
    const sessions = JSON.stringify(await hub.context.database.knex('sessions').select('*'));
    expect(sessions).not.to.contain(BODY);
    expect(hub.logs()).not.to.contain(BODY);
  });

  it('shows the details of a document, escaped and with lists joined, and gives them by the API', async () => {
    const { documents } = await hub.context.documents.list(hub.admin, { q: 'Timetable' });
    const found = documents.find(({ title }) => title === 'Timetable');
    const { html } = await visitor.get(`/admin/documents/${found?.id}`);
    expect(html).to.contain('<dt>Space</dt><dd>Ferries &amp; &lt;Quays&gt;</dd>');
    expect(html).to.contain('<dt>Labels</dt><dd>harbour, tide</dd>');
    const answer = await visitor.fetch(`/api/v1/documents/${found?.id}`);
    expect(await answer.json()).to.deep.include({
      details: { Space: 'Ferries & <Quays>', Labels: ['harbour', 'tide'] },
    });
  });

  it('takes the two choices by the API, and says which files hold items', async () => {
    const headers = {
      authorization: `Bearer ${await hub.token(hub.admin)}`,
      'content-type': 'application/json',
      prefer: 'wait=30',
    };
    const listed = await fetch(`${hub.url}/api/v1/integrations/confluence/files?folder_id=ferries`, { headers });
    const { files } = (await listed.json()) as { files: { name: string; hasChildren?: true; isFolder: boolean }[] };
    expect(files.map(({ name, isFolder, hasChildren }) => [name, isFolder, hasChildren])).to.deep.equal([
      ['Timetable', false, true],
      ['Sketch', false, true],
      ['Imprint', false, undefined],
    ]);
    const titles = async (route: string, body: object): Promise<string[]> => {
      const response = await fetch(`${hub.url}/api/v1${route}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      const { documents } = (await response.json()) as { documents: { title: string }[] };
      return documents.map(({ title }) => title).sort();
    };
    const ref = provider.refOf('Timetable');
    expect(await titles('/integrations/confluence/import', { fileIds: [ref] })).to.deep.equal(['Timetable']);
    expect(await titles('/integrations/confluence/import', { fileIds: [ref], includeAttachments: true })).to.deep.equal(
      ['Timetable', 'tides.txt'],
    );
    const items = [{ integrationId: integration.id, fileId: ref }];
    expect(await titles('/imports', { items, includeChildren: true })).to.deep.equal([
      'Ice days',
      'Timetable',
      'Winter',
    ]);
  });

  it('ticks and opens a search result that is a folder like any folder', async () => {
    const search = `/admin/browse?${new URLSearchParams({ integration: integration.id, q: 'fog' }).toString()}`;
    const { html } = await visitor.get(search);
    expect(leadsTo(html, 'Everything about fog')).to.equal(true);
    expect((await visitor.get(place('Everything about fog'))).html).to.contain('Select Fog signals');
    const { location } = await visitor.post('/admin/imports', { item: boxOf(html, 'Everything about fog').value });
    const detail = await importOf(location);
    expect(detail.items.map(({ path, state }) => [path, state])).to.deep.equal([
      ['Everything about fog/Fog signals', 'indexed'],
    ]);
  });

  it('offers the categories of one’s own documents where a category is typed', async () => {
    const items = [{ integrationId: integration.id, ref: provider.refOf('Imprint') }];
    const { id } = await hub.context.imports.create(hub.admin, { items, category: 'Ships & <sails>' });
    await finishedImport(hub, id);
    const { html } = await visitor.get(place('Ferries'));
    expect(html).to.match(/<input[^>]*name="category"[^>]* list="categories"/);
    const offered = /<datalist id="categories">[^]*?<\/datalist>/.exec(html)?.[0];
    expect(offered).to.contain('value="Ships &amp; &lt;sails&gt;"');
    const other = await signInAs(hub.url, hub.member.email);
    expect((await other.get('/admin/browse')).html).not.to.contain('Ships');
  });
});
