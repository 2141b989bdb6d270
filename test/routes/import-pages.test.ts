import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import * as schemas from '../../server/api/schemas.ts';
import { REASON_LABELS } from '../../server/routes/import-labels.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { entry } from '../helpers/followed.ts';
import { connectAccountOf } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import {
  connectScripted,
  createScriptedProvider,
  type Node,
  type ScriptedProvider,
} from '../helpers/scripted-provider.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

/** Names that a spreadsheet would take for formulas, and ones that CSV has to quote. */
const ODD = ['=HYPERLINK("http://x.example")', '+1', '-2', '@SUM(A1)', 'a "quoted", one', 'Fähre 港'];

onOneDatabase('the page of an import', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  let integration: Integration;
  let provider: ScriptedProvider;
  before(async () => {
    hub = await startHub({ database: await open() });
    visitor = await signInAs(hub.url, 'admin@example.com');
  });
  after(() => hub.close());
  afterEach(async () => {
    for (const table of ['imports', 'documents']) await hub.context.database.knex(table).delete();
  });

  const pages = (count: number): Node[] =>
    Array.from({ length: count }, (_, at) => ({ name: `Page ${at}`, text: `The page number ${at}.` }));

  async function script(below: Node[]): Promise<void> {
    provider = createScriptedProvider({ roots: [{ name: 'Space', below }], listsDeep: true, pageSize: 1000 });
    integration = await connectScripted(hub, provider, hub.admin);
  }
  async function run(): Promise<ImportDetail> {
    const items = [{ integrationId: integration.id, ref: provider.refOf('Space') }];
    return finishedImport(hub, (await hub.context.imports.create(hub.admin, { items })).id);
  }

  it('draws when items ended, and why some were not imported', async () => {
    await script([...pages(9), ...['Board', 'Map'].map((name) => ({ name, locked: `${name} has no text.` }))]);
    const { id } = await run();
    const { knex } = hub.context.database;
    const show = async () => (await visitor.get(`/admin/imports/${id}`)).html;
    const quick = await show();
    expect(textOf(quick)).to.contain('Why items were not imported Nothing to import 2 skipped');
    expect(quick).to.contain(`href="/admin/imports/${id}?state=skipped"`).and.not.to.contain('Items over time');
    // As if it had taken an hour, the last item alone half of it.
    const at = (minutes: number) => new Date(Date.UTC(2026, 10, 20, 9, minutes));
    await knex('imports')
      .where({ id })
      .update({ started_at: at(0), finished_at: at(60) });
    await knex('import_items')
      .where({ import_id: id })
      .update({ settled_at: at(29) });
    await knex('import_items')
      .where({ import_id: id, name: 'Page 8' })
      .update({ settled_at: at(60) });
    const slow = await show();
    expect(textOf(slow)).to.contain('9 searchable items and 2 others in 60 minutes, at most 10 in 2 minutes.');
    const bars = [...slow.matchAll(/<rect x="(\d+)" y="(\d+)" width="8" height="(\d+)"><title>(\d+) items?</g)];
    expect(bars).to.have.length(30);
    expect(
      bars.filter(([, , , , items]) => items !== '0').map(([, x, y, height, items]) => [x, y, height, items]),
    ).to.deep.equal([
      ['141', '200', '800', '10'],
      ['291', '900', '100', '1'],
    ]);
    expect(slow).to.contain('<rect class="bar__part--skipped" x="141" y="0" width="8" height="200">');
  });

  it('has words for every reason that the API names', () => {
    const api = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
    const [, table = ''] = /\n\| `reasonCode` \|.*\n\| --- .*\n((?:\|.*\n)+)/.exec(api) ?? [];
    const codes = table.split('\n').flatMap((row) => row.split(' | ', 1)[0]!.match(/(?<=`)[a-z_]+(?=`)/g) ?? []);
    expect(codes.length).to.be.greaterThan(25);
    expect(Object.keys(REASON_LABELS).sort()).to.deep.equal([...new Set(codes)].sort());
  });

  it('says how many were listed and what became of them', async () => {
    await script([...pages(3), { name: 'Board', locked: 'A board has no text.' }]);
    const { id } = await run();
    const { html } = await visitor.get(`/admin/imports/${id}`);
    expect(textOf(html)).to.contain('4 listed = 3 indexed + 1 skipped');
    expect(html).not.to.contain('http-equiv="refresh"');
    const again = await run();
    expect(again.outcome).to.match(/^Nothing new was imported: 3 were left as they were/);
    expect(textOf((await visitor.get(`/admin/imports/${again.id}`)).html)).to.contain(again.outcome);
  });

  it('says that an empty folder is empty', async () => {
    await script([]);
    const { id } = await run();
    expect(textOf((await visitor.get(`/admin/imports/${id}`)).html)).to.contain('The selected folder is empty.');
    const answer = schemas.importAnswer.parse(await (await visitor.fetch(`/api/v1/imports/${id}`)).json());
    expect(answer).to.include({ outcome: 'The selected folder is empty.', listed: 0 });
  });

  it('tries one failed item again from its row, and leaves the others', async () => {
    await script(pages(3));
    for (const name of ['Page 0', 'Page 1'])
      provider.failNext('open', name, new ProviderError('gone', 'confluence', 'The page is gone.'));
    const { id, items } = await run();
    const [first] = items;
    const { html } = await visitor.get(`/admin/imports/${id}`);
    expect(html).to.contain(`name="itemId" value="${first?.id}" aria-label="Try Page 0 again"`);
    const sent = await visitor.post(`/admin/imports/${id}/retry`, { itemId: first?.id ?? '' });
    expect(sent).to.include({ status: 303, location: `/admin/imports/${id}` });
    const done = await finishedImport(hub, id);
    expect(done.counts).to.include({ indexed: 2, failed: 1 });
    await visitor.post(`/admin/imports/${id}/retry`);
    expect((await finishedImport(hub, id)).counts).to.include({ indexed: 3, failed: 0 });
    expect((await visitor.post(`/admin/imports/${id}/retry`, { itemId: first?.id ?? '' })).status).to.equal(409);
  });

  it('finds items of the ledger by words of their name or path', async () => {
    await script([...pages(3), { name: 'Fähre 100%', text: 'A ferry.' }]);
    const { id } = await run();
    const shown = textOf((await visitor.get(`/admin/imports/${id}?q=${encodeURIComponent('fähre 100%')}`)).html);
    expect(shown).to.contain('Fähre 100%').and.not.to.contain('Page 1');
    const none = textOf((await visitor.get(`/admin/imports/${id}?q=nowhere&state=indexed`)).html);
    expect(none).to.contain('No indexed item has “nowhere” in its name or path.');
  });

  it('gives the whole ledger as CSV, row by row, that no spreadsheet takes for formulas', async () => {
    const many = Array.from({ length: 1100 }, (_, at) => ({ name: `Board ${at}`, locked: 'A board has no text.' }));
    await script([...ODD.map((name) => ({ name, text: `A page called ${name}.` })), ...many]);
    const { id, startedAt } = await run();
    const response = await visitor.fetch(`/admin/imports/${id}/ledger.csv`);
    expect(response.headers.get('content-type')).to.equal('text/csv; charset=utf-8');
    expect(response.headers.get('content-disposition')).to.equal(
      `attachment; filename="import-${startedAt.toISOString().slice(0, 10)}.csv"`,
    );
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 3).toString('hex')).to.equal('efbbbf');
    const rows: Record<string, string>[] = parse(bytes, { bom: true, columns: true });
    expect(rows).to.have.length(ODD.length + many.length);
    expect(rows.slice(0, ODD.length).map(({ name }) => name)).to.deep.equal([
      ...ODD.slice(0, 4).map((name) => `'${name}`),
      ...ODD.slice(4),
    ]);
    const [first] = rows;
    expect(Object.keys(first ?? {})).to.deep.equal([
      'name',
      'path',
      'account',
      'state',
      'reason',
      'reason code',
      'attempts',
      'bytes',
      'chunks',
      'document',
      'settled at',
    ]);
    expect(first).to.include({ account: 'Harbour Wiki: Harbour Office', state: 'indexed', attempts: '1' });
    expect(first?.document).to.match(new RegExp(`^${hub.url}/admin/documents/[0-9a-f-]{36}$`));
    expect(first?.['settled at']).to.match(/^\d{4}-\d\d-\d\dT/);
    expect(rows.at(-1)).to.include({ state: 'skipped', 'reason code': 'not_importable', document: '' });

    const indexed = await visitor.fetch(`/api/v1/imports/${id}/ledger.csv?state=indexed`);
    expect(indexed.headers.get('content-disposition')).to.contain('-indexed.csv');
    expect(parse(await indexed.text(), { bom: true })).to.have.length(ODD.length + 1);
    expect((await visitor.fetch(`/api/v1/imports/${id}/ledger.csv?state=lost`)).status).to.equal(422);
    const stranger = await signInAs(hub.url, 'member@example.com');
    expect((await stranger.fetch(`/admin/imports/${id}/ledger.csv`)).status).to.equal(404);
  });

  it('names the document of another service that has the same content, and so does the document’s page', async () => {
    const text = 'The same text in two places, to the byte.';
    // The stand-ins share their files.
    const files = hub.sandbox.google.state.accounts[0]?.spaces[0]?.files;
    const documents: string[] = [];
    for (const platform of ['google_drive', 'dropbox'] as const) {
      files?.splice(0, Infinity, entry(platform === 'dropbox' ? 'at Dropbox.txt' : 'at Google.txt', null, text));
      const { id: integrationId } = await connectAccountOf(hub, hub.admin, platform);
      const [root] = (await hub.context.browse.list(hub.admin, integrationId, {})).items;
      const { items } = await hub.context.browse.list(hub.admin, integrationId, { ref: root?.ref });
      const file = items.find(({ name }) => name.startsWith('at '));
      const { id } = await hub.context.imports.create(hub.admin, { items: [{ integrationId, ref: file?.ref ?? '' }] });
      const { items: rows } = await finishedImport(hub, id);
      documents.push(rows[0]?.documentId ?? '');
      if (platform === 'google_drive') expect(rows[0]?.sameAs).to.equal(undefined);
      else {
        expect(rows[0]?.sameAs).to.deep.equal({ id: documents[0], title: 'at Google.txt' });
        expect(textOf((await visitor.get(`/admin/imports/${id}`)).html)).to.contain(
          'Same content as “ at Google.txt ”',
        );
      }
    }
    expect(new Set(documents).size).to.equal(2);
    const { html } = await visitor.get(`/admin/documents/${documents[0]}`);
    expect(html).to.contain(`Same content as “<a href="/admin/documents/${documents[1]}">at Dropbox.txt</a>”`);
    const answer = await (await visitor.fetch(`/api/v1/documents/${documents[1]}`)).json();
    expect(schemas.documentDetailAnswer.parse(answer).sameContentAs).to.deep.equal({
      id: documents[0],
      title: 'at Google.txt',
    });
    // Somebody else's document with the same content is nobody's business.
    const theirs = await connectAccountOf(hub, hub.member, 'google_drive');
    const [root] = (await hub.context.browse.list(hub.member, theirs.id, {})).items;
    const { id } = await hub.context.imports.create(hub.member, {
      items: [{ integrationId: theirs.id, ref: root?.ref ?? '' }],
    });
    const { total } = await waitFor('their document', async () => {
      const found = await hub.context.documents.facets(hub.member);
      return found.total > 0 && found;
    });
    expect(total).to.equal(1);
    expect((await hub.context.imports.get(hub.member, id)).items[0]?.sameAs).to.equal(undefined);
  });
});
