import { expect } from 'chai';
import { paths } from '../../server/paths.ts';
import { mainKind, onOneDatabase } from '../helpers/database.ts';
import { byMeaning, idOf, LEXICAL, openRestarts, PASSAGES, type Restarts } from '../helpers/restarts.ts';
import { signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

onOneDatabase('several processes and a change of the embedder', (open) => {
  let restarts: Restarts;
  beforeEach(async () => {
    restarts = await openRestarts(await open());
  });
  afterEach(() => restarts.close());

  it('follow the one that was started last, and do not change it back', async () => {
    const { openai } = restarts;
    const former = await restarts.start();
    await restarts.importAll(former);
    const next = await restarts.start(openai.env);
    await restarts.active(idOf(openai));
    await waitFor('a word of warning', () => former.logs().includes('restart this one with the same settings'));
    // The former one embeds nothing by a model, not even a query: its settings say that texts stay here.
    const byWords = await byMeaning(former, 'piers number 17');
    expect(byWords.notice).to.include('cannot be asked any more');
    expect(byWords.texts[0]).to.include('number 17');
    expect((await byMeaning(next, 'piers number 17')).notice).to.equal(undefined);

    // What it imports, it embeds in its own way; that is found by words until somebody looks.
    const [boats] = (await former.context.documents.list(former.admin, { q: 'boats' })).documents;
    await former.context.documents.delete(former.admin, boats?.id ?? '');
    expect((await restarts.importAll(former)).counts).to.include({ indexed: 1, failed: 0 });
    expect(await restarts.state()).to.include({ active: idOf(openai), target: undefined });
    expect(await restarts.vectorsOf(idOf(openai))).to.be.lessThan(PASSAGES);
    await restarts.asIfLater();
    await waitFor(
      'what the former one imported to be embedded',
      async () => (await restarts.vectorsOf(idOf(openai))) === PASSAGES,
    );
    await waitFor('the former vectors to be deleted', async () => (await restarts.vectorsOf(LEXICAL)) === 0);
  });

  it('tell an admin when none of them embeds', async () => {
    const { openai } = restarts;
    await restarts.imported();
    // The address is not used: the database is open already.
    const web = await restarts.start({ ...openai.env, ROLE: 'web', DATABASE_URL: 'postgres://127.0.0.1:1/none' });
    const visitor = await signInAs(web.url, web.admin.email);
    expect((await visitor.get(paths.search())).html)
      .to.include('0 of 600 passages')
      .and.not.include('does not go on');
    await restarts.database.knex('search_embedder').update({ due_at: new Date(Date.now() - 120_000) });
    expect((await visitor.get(paths.search())).html).to.include('No worker is embedding');
    await restarts.start(openai.env);
    await restarts.active(idOf(openai));
  });

  // No two processes open an embedded database; two hubs on its one connection hold each other's locks.
  if (mainKind === 'postgres')
    it('share the work of one change, one at a time', async () => {
      const { openai } = restarts;
      await restarts.imported();
      await Promise.all([restarts.start(openai.env), restarts.start(openai.env)]);
      await restarts.active(idOf(openai));
      expect(openai.embedded()).to.have.length(PASSAGES);
    });
});
