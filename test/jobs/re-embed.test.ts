import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import type { Database } from '../../server/database/database.ts';
import { paths } from '../../server/paths.ts';
import { answer, openClient } from '../api/client.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { startOpenAiServer, type OpenAiServer } from '../helpers/openai-server.ts';
import {
  byMeaning,
  FILES,
  holdPassages,
  idOf,
  LEXICAL,
  openRestarts,
  PASSAGES,
  reportOf,
  type Restarts,
} from '../helpers/restarts.ts';
import { signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

onEachDatabase('a change of the embedder', (open) => {
  let database: Database;
  let openai: OpenAiServer;
  let restarts: Restarts;

  beforeEach(async () => {
    database = await open();
    restarts = await openRestarts(database);
    openai = restarts.openai;
  });
  afterEach(() => restarts.close());

  it('embeds what is stored without the sources, while searches compare with the former vectors', async () => {
    await restarts.imported();
    const release = holdPassages(openai);
    const hub = await restarts.start(openai.env);
    await waitFor('passages to be sent', () => openai.requests.length > 0);
    expect(await restarts.state()).to.include({ active: LEXICAL, target: idOf(openai) });

    // A misspelt word, which the words alone do not find.
    const before = await byMeaning(hub, 'harbormaster piers 17');
    expect(before.notice).to.equal(undefined);
    expect(before.texts[0]).to.include('piers number 17');
    expect(openai.requests.every(({ inputs }) => inputs.length > 1)).to.equal(true);
    const visitor = await signInAs(hub.url, hub.admin.email);
    const told = `Search is moving to stand-in-embeddings at ${new URL(openai.url).host} (256 numbers): 0 of 600 passages.`;
    for (const page of [paths.search(), paths.overview]) {
      const { html } = await visitor.get(page);
      expect(html).to.include(told).and.not.include('It does not go on');
    }

    release();
    await restarts.active(idOf(openai));
    expect(hub.sandbox.google.state.requests).to.deep.equal([]);
    const sent = openai.embedded();
    expect(sent).to.have.length(PASSAGES);
    expect(new Set(sent).size).to.equal(PASSAGES);
    expect(sent.find((text) => text.includes('piers number 17.'))).to.match(/^piers\.md › Section 17\n\n/);
    expect((await byMeaning(hub, 'piers number 17')).texts[0]).to.include('piers number 17');
    expect(openai.requests.at(-1)?.inputs).to.deep.equal(['piers number 17']);
    expect((await visitor.get(paths.search())).html).not.to.include('Search is moving');
    const asked = { question: 'Who inspected piers number 17?' };
    const answered = await hub.context.ask.ask(hub.admin, asked, { signal: new AbortController().signal });
    expect(answered.citations[0]?.passage.text).to.include('number 17');

    expect(await restarts.vectorsOf(LEXICAL)).to.equal(PASSAGES);
    await restarts.asIfLater();
    await waitFor('the former vectors to be deleted', async () => (await restarts.vectorsOf(LEXICAL)) === 0);
    expect(await restarts.vectorsOf(idOf(openai))).to.equal(PASSAGES);
    expect(await database.knex('pending_embeddings').where({ embedder: idOf(openai) })).to.deep.equal([]);
    for (const line of ['the embedder was changed', 'searches compare with', 'former embedders were deleted'])
      await waitFor(`“${line}” in the log`, () => hub.logs().includes(line));

    // Nothing is left to be done at another start, or by another import.
    openai.requests.length = 0;
    await restarts.stop(hub);
    const again = await restarts.importAll(await restarts.start(openai.env));
    expect(again.counts).to.include({ unchanged: FILES.length, indexed: 0 });
    expect(openai.requests).to.deep.equal([]);
  });

  it('goes on where it was stopped, and embeds nothing twice', async () => {
    await restarts.imported();
    const release = holdPassages(openai, 2);
    const hub = await restarts.start(openai.env);
    await waitFor('the third request', () => openai.requests.length > 2);
    const stored = await restarts.vectorsOf(idOf(openai));
    expect(stored).to.be.within(1, PASSAGES - 1);
    await restarts.stop(hub);
    release();
    openai.requests.length = 0;
    await restarts.start(openai.env);
    await restarts.active(idOf(openai));
    expect(openai.embedded()).to.have.length(PASSAGES - stored);
  });

  it('tells an admin why it does not go on, and goes on by itself', async () => {
    await restarts.imported();
    openai.planned.push(...Array.from({ length: 50 }, () => ({ status: 401 })));
    const hub = await restarts.start(openai.env);
    await waitFor('the problem', async () => (await restarts.state()).problem);
    const admin = await signInAs(hub.url, hub.admin.email);
    const { html } = await admin.get(paths.search());
    expect(html).to.include('Search is moving').and.include('It does not go on').and.include('OPENAI_API_KEY');
    const member = await signInAs(hub.url, 'member@example.com');
    expect((await member.get(paths.search())).html).not.to.include('Search is moving');
    expect((await byMeaning(hub, 'piers number 17')).notice).to.equal(undefined);

    openai.planned.length = 0;
    await restarts.asIfLater();
    await restarts.active(idOf(openai));
  });

  it('leaves those passages to the words that the model does not take', async () => {
    await writeFile(path.join(restarts.folder, 'long.md'), `# Long\n\n${'much '.repeat(60)}harbour`);
    const first = await restarts.start();
    expect((await restarts.importAll(first)).counts).to.include({ indexed: FILES.length + 1 });
    await restarts.stop(first);
    openai.mostWords = 50;
    const release = holdPassages(openai);
    const hub = await restarts.start(openai.env);
    release();
    await restarts.active(idOf(openai));
    expect(await restarts.vectorsOf(idOf(openai))).to.equal(PASSAGES);
    const [found] = await hub.context.search.search(hub.admin, { query: 'much harbour' });
    expect(found?.title).to.equal('long.md');
  });

  it('does not take a model that refuses everything for one that refuses some texts', async () => {
    await restarts.imported();
    openai.mostWords = 0;
    const hub = await restarts.start(openai.env);
    await waitFor('the problem', async () => (await restarts.state()).problem);
    expect(await restarts.state()).to.include({ active: LEXICAL, target: idOf(openai), refused: 0 });
    expect((await byMeaning(hub, 'harbormaster piers 17')).texts[0]).to.include('piers number 17');
    openai.mostWords = Infinity;
    await restarts.asIfLater();
    await restarts.active(idOf(openai));
    expect(await restarts.vectorsOf(idOf(openai))).to.equal(PASSAGES);
  });

  it('is called off by a start with the former embedder', async () => {
    await restarts.imported();
    const release = holdPassages(openai, 2);
    const hub = await restarts.start(openai.env);
    await waitFor('the third request', () => openai.requests.length > 2);
    expect(await restarts.vectorsOf(idOf(openai))).to.be.greaterThan(0);
    await restarts.stop(hub);
    release();
    const back = await restarts.start();
    expect(await restarts.state()).to.include({ active: LEXICAL, target: undefined });
    await waitFor(
      'what was embedded in vain to be deleted',
      async () => (await restarts.vectorsOf(idOf(openai))) === 0,
    );
    expect(await restarts.vectorsOf(LEXICAL)).to.equal(PASSAGES);
    expect((await byMeaning(back, 'harbormaster piers 17')).texts[0]).to.include('piers number 17');
    expect(back.logs()).to.include('the change of the embedder is called off');
  });

  it('knows of what is imported, renamed and deleted meanwhile', async () => {
    await restarts.imported();
    const { knex } = database;
    const first = await restarts.start();
    const documents = (await first.context.documents.list(first.admin)).documents;
    const boats = documents.find(({ title }) => title === 'boats.md')?.id ?? '';
    await database.transaction(async (trx) => {
      await trx('documents').where({ id: boats }).update({ title: 'ships.md' });
      await first.context.index.rename(trx, boats, 'ships.md');
    });
    await restarts.stop(first);

    const release = holdPassages(openai);
    await writeFile(path.join(restarts.folder, 'new.md'), '# New\n\nThe lighthouse keeper wrote a letter.');
    await writeFile(path.join(restarts.folder, 'piers.md'), `${reportOf('piers')}\n\n# Last\n\nThe ferry is late.`);
    const hub = await restarts.start(openai.env);
    await waitFor('passages to be sent', () => openai.requests.length > 0);
    expect((await byMeaning(hub, 'harbormaster boats 17')).texts[0]).to.include('boats number 17');
    const crews = documents.find(({ title }) => title === 'crews.md')?.id ?? '';
    await hub.context.documents.delete(hub.admin, crews);
    const importing = restarts.importAll(hub);
    await waitFor('the import to embed', async () => (await knex('documents').where({ title: 'new.md' })) && true);
    release();
    expect((await importing).counts).to.include({ failed: 0 });
    await restarts.active(idOf(openai));
    const vectors = await knex
      .raw<{ rows: { title: string; passages: string; vectors: string }[] }>(
        `select d.title, count(*) as passages, count(e.text_hash) as vectors from documents d join chunks c on c.document_id = d.id
         left join chunk_embeddings e on e.text_hash = c.text_hash and e.embedder = ? group by d.title`,
        [idOf(openai)],
      )
      .then(({ rows }) =>
        rows.map(({ title, passages, vectors: count }) => `${title}: ${count} of ${passages}`).sort(),
      );
    expect(vectors).to.include('new.md: 1 of 1').and.include('piers.md: 201 of 201');
    const sent = openai.embedded();
    expect(new Set(sent).size).to.equal(sent.length);
    expect(sent.filter((text) => text.startsWith('ships.md › ')).length).to.equal(PASSAGES / FILES.length);
  });

  it('asks the former model of the same server, and searches by words where that fails', async () => {
    await restarts.imported(openai.env);
    const [former, next] = [idOf(openai), { ...openai.env, EMBEDDING_MODEL: 'org/next-model' }];
    openai.requests.length = 0;
    const release = holdPassages(openai);
    const hub = await restarts.start(next);
    await waitFor('passages to be sent', () => openai.requests.length > 0);
    const near = await byMeaning(hub, 'piers number 17');
    expect(near.notice).to.equal(undefined);
    expect(near.texts[0]).to.include('piers number 17');
    expect(openai.requests.at(-1)).to.include({ model: 'stand-in-embeddings' });
    openai.planned.push({ status: 404 });
    expect((await byMeaning(hub, 'piers number 17')).notice).to.include('by its words alone');
    release();
    await restarts.active(idOf(openai, 'org/next-model'));
    await restarts.asIfLater();
    await waitFor('the former vectors to be deleted', async () => (await restarts.vectorsOf(former)) === 0);
    expect((await byMeaning(hub, 'piers number 17')).texts[0]).to.include('piers number 17');
    expect(openai.requests.at(-1)).to.include({ model: 'org/next-model' });

    // Another length, and another server: the former one is not asked, since it has another key.
    await restarts.stop(hub);
    const other = await startOpenAiServer({ dimensions: 1024 });
    try {
      const letGo = holdPassages(other);
      const moved = await restarts.start(other.env);
      const client = await openClient(moved);
      const call = await client.call('POST', '/search', { body: { query: 'piers number 17', mode: 'semantic' } });
      const byWords = await answer(call, 200, schemas.searchAnswer);
      expect(byWords.notice).to.include('cannot be asked any more');
      const { html } = await (await signInAs(moved.url, moved.admin.email)).get(paths.search());
      expect(html).to.include('searches compare words alone, since org/next-model at');
      expect(byWords.results[0]?.text).to.include('number 17');
      letGo();
      await restarts.active(idOf(other));
      expect((await byMeaning(moved, 'piers number 17')).notice).to.equal(undefined);
      await restarts.stop(moved);
    } finally {
      await other.close();
    }
  });
});
