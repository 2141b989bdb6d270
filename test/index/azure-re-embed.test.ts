import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { startAzureSearchServer, type AzureSearchServer } from '../helpers/azure-search-server.ts';
import { onEachDatabase } from '../helpers/database.ts';
import type { TestHub } from '../helpers/hub.ts';
import {
  byMeaning,
  FILES,
  holdPassages,
  idOf,
  LEXICAL,
  openRestarts,
  PASSAGES,
  type Restarts,
} from '../helpers/restarts.ts';
import { waitFor } from '../helpers/wait.ts';
import { faultsOf } from './azure-contract.ts';

onEachDatabase('a change of the embedder with the index at Azure AI Search', (open) => {
  let restarts: Restarts;
  let azure: AzureSearchServer;

  beforeEach(async () => {
    restarts = await openRestarts(await open());
    azure = await startAzureSearchServer();
  });
  afterEach(async () => {
    await restarts.close();
    await azure.close();
  });

  const searches = () => azure.calls.filter(({ path: to }) => to.includes('post.search')).length;
  const lengths = () => new Set(azure.entries().map(({ vector }) => (vector as number[] | undefined)?.length));
  /** Whether a search is answered there. */
  async function isAsked(hub: TestHub): Promise<boolean> {
    const before = searches();
    expect((await byMeaning(hub, 'piers number 17')).texts[0]).to.include('piers number 17');
    return searches() > before;
  }
  const { signal } = new AbortController();
  async function filled(hub: TestHub): Promise<void> {
    while (((await hub.context.indexKeeper?.fill(signal)) ?? 0) > 0);
    await waitFor('the index to be asked', () => isAsked(hub));
    await waitFor('former copies to go', () => azure.entries().length === PASSAGES);
  }

  it('makes the index anew for vectors of another length, and the database answers meanwhile', async () => {
    const { openai } = restarts;
    await restarts.imported(azure.env);
    expect([azure.entries().length, [...lengths()]]).to.deep.equal([PASSAGES, [1024]]);

    await writeFile(path.join(restarts.folder, 'new.md'), '# New\n\nThe lighthouse keeper wrote a letter.');
    const release = holdPassages(openai);
    const hub = await restarts.start({ ...azure.env, ...openai.env });
    await waitFor('passages to be sent', () => openai.requests.length > 0);
    expect(await isAsked(hub)).to.equal(false);
    const importing = restarts.importAll(hub);
    release();
    expect((await importing).counts).to.include({ failed: 0, unchanged: FILES.length });
    await restarts.active(idOf(openai));
    const [fresh] = await hub.context.search.search(hub.admin, { query: 'lighthouse letter' });
    expect(fresh?.title).to.equal('new.md');
    await hub.context.documents.delete(hub.admin, fresh?.documentId ?? '');
    await filled(hub);
    expect([...lengths()]).to.deep.equal([256]);
    expect((await faultsOf(azure.calls)) ?? []).to.deep.equal([]);
    expect(openai.embedded().filter((text) => text.includes('inspected'))).to.have.length(PASSAGES);
  });

  it('never compares with vectors of another model although they are as long', async () => {
    const { openai } = restarts;
    await restarts.imported({ ...azure.env, ...openai.env });
    const hub = await restarts.start({ ...azure.env, ...openai.env, EMBEDDING_MODEL: 'next-model' });
    await restarts.active(idOf(openai, 'next-model'));
    // What lies there is still the former model's.
    expect(await isAsked(hub)).to.equal(false);
    await filled(hub);
    const copies = await restarts.database.knex('index_copies').where({ state: 'current' }).distinct('embedder');
    expect(copies).to.deep.equal([{ embedder: idOf(openai, 'next-model') }]);
  });

  it('leaves an index alone that the hub has not filled, and says what to do', async () => {
    const { openai } = restarts;
    const other = await restarts.start({ ...azure.env, ...openai.env });
    await restarts.stop(other);
    await restarts.database.knex('search_embedder').del();
    await restarts.imported();
    openai.dimensions = 512;
    const hub = await restarts.start({ ...azure.env, ...openai.env, EMBEDDING_DIMENSIONS: '512' });
    await restarts.asIfLater();
    const problem = await waitFor('the problem', async () => (await restarts.state()).problem);
    expect(problem).to.match(/have 256 numbers and those of the embedder 512\. Set AZURE_SEARCH_INDEX to a name/);
    expect(azure.indexes.has('tributary-test')).to.equal(true);
    expect((await restarts.state()).active).to.equal(LEXICAL);
    expect(await isAsked(hub)).to.equal(false);
  });
});
