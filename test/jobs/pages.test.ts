import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { ImportDetail, ImportScope } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import {
  connectScripted,
  createScriptedProvider,
  type Node,
  type ScriptedProvider,
} from '../helpers/scripted-provider.ts';

const LOCKED = 'A whiteboard has no text to import.';

const ferries = (): Node => ({
  name: 'Ferries',
  below: [
    {
      name: 'Timetable',
      text: 'The ferry leaves at six.',
      attachments: [{ name: 'tides.txt', text: 'High tide at noon.' }],
      below: [
        {
          name: 'Winter',
          text: 'In winter it leaves at seven.',
          below: [{ name: 'Ice days', text: 'No ferry on ice.' }],
        },
      ],
    },
    {
      name: 'Berths',
      below: [
        {
          name: 'North quay',
          text: 'Six berths.',
          attachments: [{ name: 'Comments on North quay', text: 'Too few.' }],
        },
      ],
    },
    { name: 'Sketch', locked: LOCKED, below: [{ name: 'Sketch notes', text: 'Blue lines are water.' }] },
  ],
});

const PAGES = {
  'Ferries/Timetable': 'indexed',
  'Ferries/Timetable/Winter': 'indexed',
  'Ferries/Timetable/Winter/Ice days': 'indexed',
  'Ferries/Berths/North quay': 'indexed',
  'Ferries/Sketch': 'skipped',
  'Ferries/Sketch/Sketch notes': 'indexed',
};
const HANGING = {
  'Ferries/Timetable/tides.txt': 'indexed',
  'Ferries/Berths/North quay/Comments on North quay': 'indexed',
};

onOneDatabase('an import of items that hold items', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let provider: ScriptedProvider;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());
  beforeEach(async () => {
    provider = createScriptedProvider({ roots: [ferries()], listsDeep: true, pageSize: 100 });
    integration = await connectScripted(hub, provider, hub.admin);
  });
  afterEach(async () => {
    for (const table of ['imports', 'documents']) await hub.context.database.knex(table).delete();
  });

  const start = async (names: string[], scope: Partial<ImportScope> = {}): Promise<string> => {
    const items = names.map((name) => ({ integrationId: integration.id, ref: provider.refOf(name) }));
    return (await hub.context.imports.create(hub.admin, { items, ...scope })).id;
  };
  const run = async (names: string[], scope: Partial<ImportScope> = {}): Promise<ImportDetail> =>
    finishedImport(hub, await start(names, scope));
  /** State by path; two rows of one path would be told. */
  const ledger = ({ items, counts }: ImportDetail): Record<string, string> => {
    expect(new Set(items.map(({ path }) => path)).size).to.equal(counts.total);
    return Object.fromEntries(items.map(({ path, state }) => [path, state]));
  };

  for (const listsDeep of [true, false])
    describe(listsDeep ? 'of a service that lists all at once' : 'of a service that lists one place at a time', () => {
      beforeEach(() => {
        provider.script.listsDeep = listsDeep;
      });

      it('brings all pages of a space with the names between, and what cannot be imported with its reason', async () => {
        const detail = await run(['Ferries']);
        expect(ledger(detail)).to.deep.equal(PAGES);
        expect(detail.items.find(({ name }) => name === 'Sketch')).to.include({
          reason: LOCKED,
          reasonCode: 'not_importable',
        });
        if (listsDeep) expect(provider.asked.lists).to.deep.equal(['Ferries deep']);
        const { documents } = await hub.context.documents.list(hub.admin);
        expect(documents.map(({ path }) => path)).to.include('Ferries/Timetable/Winter/Ice days');
      });

      it('brings what hangs on them when that is wanted', async () => {
        expect(ledger(await run(['Ferries'], { includeAttachments: true }))).to.deep.equal({ ...PAGES, ...HANGING });
        if (listsDeep) expect(provider.asked.lists).to.deep.equal(['Ferries deep attachments']);
      });

      it('brings a selected page alone', async () => {
        expect(ledger(await run(['Timetable']))).to.deep.equal({ 'Ferries/Timetable': 'indexed' });
        expect(provider.asked.lists).to.deep.equal([]);
      });

      it('brings a page and the pages below it', async () => {
        expect(ledger(await run(['Timetable'], { includeChildren: true }))).to.deep.equal({
          'Ferries/Timetable': 'indexed',
          'Ferries/Timetable/Winter': 'indexed',
          'Ferries/Timetable/Winter/Ice days': 'indexed',
        });
      });

      it('brings a page and what hangs on it', async () => {
        expect(ledger(await run(['Timetable'], { includeAttachments: true }))).to.deep.equal({
          'Ferries/Timetable': 'indexed',
          'Ferries/Timetable/tides.txt': 'indexed',
        });
        expect(provider.asked.lists).to.deep.equal(['Timetable attachments']);
      });

      it('brings a page, the pages below it and what hangs on any of them', async () => {
        const detail = await run(['Timetable', 'North quay'], { includeChildren: true, includeAttachments: true });
        expect(ledger(detail)).to.deep.equal({
          'Ferries/Timetable': 'indexed',
          'Ferries/Timetable/Winter': 'indexed',
          'Ferries/Timetable/Winter/Ice days': 'indexed',
          'Ferries/Berths/North quay': 'indexed',
          ...HANGING,
        });
      });

      it('brings what is below a page that cannot be imported itself', async () => {
        expect(ledger(await run(['Sketch'], { includeChildren: true }))).to.deep.equal({
          'Ferries/Sketch': 'skipped',
          'Ferries/Sketch/Sketch notes': 'indexed',
        });
      });

      it('brings only the pages right inside when it is not recursive, with what is asked of each', async () => {
        const flat = { 'Ferries/Timetable': 'indexed', 'Ferries/Sketch': 'skipped' };
        expect(ledger(await run(['Ferries'], { recursive: false }))).to.deep.equal(flat);
        expect(provider.asked.lists).to.deep.equal(['Ferries']);
        const withAttachments = await run(['Ferries'], { recursive: false, includeAttachments: true });
        expect(Object.keys(ledger(withAttachments)).sort()).to.deep.equal(
          [...Object.keys(flat), 'Ferries/Timetable/tides.txt'].sort(),
        );
        const withChildren = await run(['Ferries'], { recursive: false, includeChildren: true });
        expect(Object.keys(ledger(withChildren)).sort()).to.deep.equal(
          Object.keys(PAGES)
            .filter((path) => !path.startsWith('Ferries/Berths/'))
            .sort(),
        );
      });

      it('counts a page once that is selected by itself and with its space', async () => {
        for (const names of [
          ['Timetable', 'Ferries'],
          ['Ferries', 'Winter', 'Timetable'],
        ])
          expect(Object.keys(ledger(await run(names, { includeAttachments: true }))).sort()).to.deep.equal(
            Object.keys({ ...PAGES, ...HANGING }).sort(),
          );
      });
    });

  it('takes the word of the browser for what holds items, and lists it once', async () => {
    const known = { name: 'Timetable', kind: 'file' as const, hasChildren: true, path: 'Ferries/Timetable' };
    const items = [{ integrationId: integration.id, ref: provider.refOf('Timetable'), known }];
    const { id } = await hub.context.imports.create(hub.admin, { items, includeChildren: true });
    expect((await finishedImport(hub, id)).counts).to.include({ total: 3, indexed: 3 });
    expect(provider.asked.lists).to.deep.equal(['Timetable deep']);
  });

  it('lists below a page once, though the job of the page runs twice', async () => {
    provider.failNext('open', 'Timetable', new ProviderError('transient', 'confluence', 'The wiki is busy.'));
    expect((await run(['Timetable'], { includeChildren: true })).counts).to.include({ total: 3, indexed: 3 });
    expect(provider.asked.opened.filter(({ name }) => name === 'Timetable')).to.have.length(2);
    expect(provider.asked.lists).to.deep.equal(['Timetable deep']);
  });

  it('repeats a page of a listing after a crash in the middle of it, with the same options, and skips nothing', async () => {
    provider.script.pageSize = 2;
    const { queue } = hub.context;
    const enqueue = queue.enqueue.bind(queue);
    let pages = 0;
    queue.enqueue = async (trx, name, ...rest) => {
      // After the rows of the second page, before its jobs and the cursor.
      if (name === 'import-item' && provider.asked.lists.length > 0 && ++pages === 2)
        throw new Error('the process died here');
      return enqueue(trx, name, ...rest);
    };
    const detail = await run(['Ferries'], { includeAttachments: true, includeChildren: true });
    queue.enqueue = enqueue;
    expect(pages).to.equal(6);
    expect(ledger(detail)).to.deep.equal({ ...PAGES, ...HANGING });
    expect(provider.asked.lists).to.deep.equal(Array(6).fill('Ferries deep attachments'));
  });

  it('says that what is below a page could not be listed, beside the page itself, and lists it again when asked', async () => {
    const denied = () => new ProviderError('denied', 'confluence', 'The wiki does not show what is below this page.');
    provider.failNext('list', 'Timetable', denied());
    provider.failNext(
      'list',
      'Timetable',
      new ProviderError('cursor_expired', 'confluence', 'The wiki forgot the list.'),
    );
    const first = await run(['Timetable'], { includeChildren: true });
    expect(first.items.map(({ name, state, reasonCode }) => [name, state, reasonCode])).to.have.deep.members([
      ['Timetable', 'indexed', undefined],
      ['Timetable', 'failed', 'denied'],
    ]);
    const failed = first.items.find(({ state }) => state === 'failed');
    expect(failed?.reason).to.equal(
      'What is in “Timetable” could not be listed, so it is missing. The wiki does not show what is below this page.',
    );
    await hub.context.imports.retry(hub.admin, first.id);
    expect((await finishedImport(hub, first.id)).counts).to.include({ total: 2, indexed: 1, failed: 1 });
    await hub.context.imports.retry(hub.admin, first.id);
    const last = await finishedImport(hub, first.id);
    expect(ledger(last)).to.deep.equal({
      'Ferries/Timetable': 'indexed',
      'Ferries/Timetable/Winter': 'indexed',
      'Ferries/Timetable/Winter/Ice days': 'indexed',
    });
    expect(provider.asked.opened.filter(({ name }) => name === 'Timetable')).to.have.length(1);
  });
});
