import { expect } from 'chai';
import type { ImportDetail } from '../../server/services/import-service.ts';
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

onOneDatabase('what a listing and a page tell beside the text', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let provider: ScriptedProvider;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());
  beforeEach(async () => {
    provider = createScriptedProvider({ roots: [], listsDeep: true, pageSize: 100 });
    integration = await connectScripted(hub, provider, hub.admin);
  });
  afterEach(async () => {
    for (const table of ['imports', 'documents']) await hub.context.database.knex(table).delete();
  });

  const start = async (name: string): Promise<string> => {
    const items = [{ integrationId: integration.id, ref: provider.refOf(name) }];
    return (await hub.context.imports.create(hub.admin, { items })).id;
  };
  const run = async (name: string): Promise<ImportDetail> => finishedImport(hub, await start(name));

  it('hands the text that came with a listing to the provider, and tells nobody else', async () => {
    const secret = 'mooring-plan-of-the-harbour-office';
    provider.script.roots = [
      {
        name: 'Plans',
        below: [
          { name: 'Known', text: 'a', hint: secret.repeat(5000) },
          { name: 'Broken off', text: 'b', hint: `${secret} \ud83d` },
          { name: 'With a zero', text: 'c', hint: `${secret} \0` },
          { name: 'Far too long', text: 'd', hint: secret.repeat(20_000) },
        ],
      },
    ];
    const id = await start('Plans');
    const events = await fetch(`${hub.url}/api/v1/imports/${id}/events`, {
      headers: { authorization: `Bearer ${await hub.token(hub.admin)}` },
    });
    expect(await events.text()).not.to.contain(secret);
    expect((await finishedImport(hub, id)).counts).to.include({ total: 4, indexed: 4 });
    expect(Object.fromEntries(provider.asked.opened.map(({ name, hinted }) => [name, hinted]))).to.deep.equal({
      Known: true,
      'Broken off': false,
      'With a zero': false,
      'Far too long': false,
    });
    expect(hub.logs()).not.to.contain(secret);
  });

  it('says nothing of the text when the jobs cannot be written', async () => {
    const secret = 'berth-plan-of-the-harbour-office';
    provider.script.roots = [{ name: 'Plans', below: [{ name: 'Known', text: 'a', hint: secret }] }];
    const { queue } = hub.context;
    const enqueue = queue.enqueue.bind(queue);
    let refusals = 0;
    queue.enqueue = async (trx, name, payloads, options) => {
      const text = JSON.stringify(payloads);
      if (text.includes(secret) && refusals++ === 0) await trx.raw('select length(?) / 0', [text]);
      return enqueue(trx, name, payloads, options);
    };
    expect((await run('Plans')).counts).to.include({ total: 1, indexed: 1 });
    queue.enqueue = enqueue;
    expect(hub.logs()).to.contain('division by zero').and.not.to.contain(secret);
  });

  describe('details', () => {
    const one = async () => {
      const { documents } = await hub.context.documents.list(hub.admin);
      return documents[0]?.details;
    };

    it('are kept with a document in their order, without what a database cannot hold', async () => {
      const details = { Space: 'Ferries\0 & <b>', 'Page id': '7', Labels: ['harbour', 'tide \ud83d'], A: 'short' };
      provider.script.roots = [{ name: 'Timetable', text: 'The ferry leaves at six.', details }];
      await run('Timetable');
      const kept = await one();
      expect(kept).to.deep.equal({ Space: 'Ferries & <b>', 'Page id': '7', Labels: ['harbour', 'tide '], A: 'short' });
      expect(Object.keys(kept ?? {})).to.deep.equal(['Space', 'Page id', 'Labels', 'A']);
    });

    it('are renewed when the content is the same, and stay when nothing was fetched', async () => {
      const page = (version: string, label: string): Node => ({
        name: 'Timetable',
        text: 'The ferry leaves at six.',
        version,
        details: { Labels: [label] },
      });
      provider.script.roots = [page('1', 'draft')];
      await run('Timetable');
      provider.script.roots = [page('1', 'not seen')];
      expect((await run('Timetable')).counts).to.include({ unchanged: 1 });
      expect(await one()).to.deep.equal({ Labels: ['draft'] });
      provider.script.roots = [page('2', 'approved')];
      expect((await run('Timetable')).counts).to.include({ unchanged: 1 });
      expect(await one()).to.deep.equal({ Labels: ['approved'] });
    });
  });
});
