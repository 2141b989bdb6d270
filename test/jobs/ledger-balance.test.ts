import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { ImportDetail, ImportScope } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { connectScripted, createScriptedProvider, type ScriptedProvider } from '../helpers/scripted-provider.ts';
import { signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

onEachDatabase('what was listed', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let provider: ScriptedProvider;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());
  beforeEach(async () => {
    provider = createScriptedProvider({
      roots: [
        {
          name: 'Harbour',
          below: [
            { name: 'Rules', text: 'The office opens at six.' },
            {
              name: 'Quay',
              below: [
                { name: 'Berths', text: 'Six berths.' },
                { name: 'Cranes', text: 'Two cranes.' },
              ],
            },
            { name: 'Plan', locked: 'A drawing has no text.' },
          ],
        },
      ],
      listsDeep: false,
      pageSize: 1,
    });
    integration = await connectScripted(hub, provider, hub.admin);
  });
  afterEach(async () => {
    for (const table of ['imports', 'documents']) await hub.context.database.knex(table).delete();
  });

  const start = async (names: string[], scope: Partial<ImportScope> = {}): Promise<string> => {
    const items = names.map((name) => ({ integrationId: integration.id, ref: provider.refOf(name) }));
    return (await hub.context.imports.create(hub.admin, { items, ...scope })).id;
  };
  const run = async (names: string[]): Promise<ImportDetail> => finishedImport(hub, await start(names));

  it('is as many as the rows, page by page and folder by folder', async () => {
    const detail = await run(['Harbour']);
    expect(detail.listed).to.equal(4);
    expect(detail.counts).to.include({ total: 4, indexed: 3, skipped: 1 });
  });

  it('counts an item once that was selected by itself and met in folders that overlap', async () => {
    const detail = await run(['Harbour', 'Quay', 'Berths', 'Plan']);
    expect(detail.listed).to.equal(4);
    expect(detail.counts.total).to.equal(4);
  });

  it('counts a listing that failed as the row that says so, until it is tried again', async () => {
    provider.failNext('list', 'Quay', new ProviderError('denied', 'confluence', 'The quay is closed.'));
    const failed = await run(['Harbour']);
    expect(failed.listed).to.equal(3);
    expect(failed.counts).to.include({ total: 3, skipped: 1, failed: 1, indexed: 1 });
    await hub.context.imports.retry(hub.admin, failed.id);
    const again = await finishedImport(hub, failed.id);
    expect(again.listed).to.equal(4);
    expect(again.counts).to.include({ total: 4, failed: 0 });
  });

  it('differs from the rows when one is lost, which the page, the API and the log say', async () => {
    const { knex } = hub.context.database;
    let proceed = () => {};
    const held = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    const openFile = provider.open.bind(provider);
    provider.open = async (connection, ref, options) => {
      await held;
      return openFile(connection, ref, options);
    };
    const id = await start(['Harbour']);
    await waitFor('all that is listed', async () => {
      const { counts, foldersWaiting } = await hub.context.imports.get(hub.admin, id);
      return counts.total === 4 && foldersWaiting === 0;
    });
    await knex('import_items').where({ import_id: id, name: 'Plan' }).delete();
    proceed();
    const ended = await waitFor('the end', async () => {
      const found = await hub.context.imports.get(hub.admin, id);
      return found.finishedAt !== null && found;
    });
    expect(ended).to.include({ listed: 4, status: 'finished' });
    expect(ended.counts.total).to.equal(3);
    expect(ended.mismatch).to.match(/4 items were listed, and 3 are accounted for/);

    const visitor = await signInAs(hub.url, 'admin@example.com');
    const { html } = await visitor.get(`/admin/imports/${id}`);
    expect(html).to.contain('do not add up').and.to.contain('4 listed ≠ 3 indexed');
    const api = (await (await visitor.fetch(`/api/v1/imports/${id}`)).json()) as { listed: number; mismatch: string };
    expect(api).to.include({ listed: 4, mismatch: ended.mismatch });
    const line = await waitFor('the line in the log', () =>
      hub
        .logs()
        .split('\n')
        .find((text) => text.includes('does not add up') && text.includes(id)),
    );
    expect(JSON.parse(line)).to.include({ level: 50, listed: 4, rows: 3 });
  });
});
