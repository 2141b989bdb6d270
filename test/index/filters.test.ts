import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import type { SearchQuery } from '../../server/index/index.ts';
import { createPostgresIndex } from '../../server/index/postgres.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { EMBEDDER, addDocument, addUser, embedWords } from './passages.ts';

const MODES = ['hybrid', 'semantic', 'keyword'] as const;

onEachDatabase('the filters of a search', (open) => {
  let database: Database;
  let userId: string;

  before(async () => {
    database = await open();
  });
  after(() => database.close());
  beforeEach(async () => {
    await database.knex('users').del();
    userId = await addUser(database, 'ann@example.com');
  });

  const add = async (path: string, text: string, more: Record<string, unknown> = {}, owner = userId) => {
    const id = await addDocument(database, createPostgresIndex(database), owner, [text], { path });
    if (Object.keys(more).length > 0) await database.knex('documents').where({ id }).update(more);
  };
  /** What each mode finds, by the approximate index and by comparing all; they must agree. */
  const found = async (query: Partial<SearchQuery>) => {
    const answers: string[][] = [];
    for (const exactUpTo of database.kind === 'postgres' ? [0, 10_000] : [10_000])
      for (const mode of MODES) {
        const index = createPostgresIndex(database, { exactUpTo });
        const embedding = embedWords('budget');
        const asked = { userId, text: 'budget', embedding, embedderId: EMBEDDER, mode, limit: 50, ...query };
        const results = await index.search(asked);
        answers.push(results.map(({ text }) => text).sort());
      }
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    return answers[0];
  };

  it('keep to a folder at any depth, whatever characters its name has', async () => {
    await add('Drive/100%_a/plan', 'budget in it');
    await add('Drive/100%_a/deep/er/plan', 'budget deep in it');
    await add('Drive/100%_a', 'budget of the page itself');
    await add('Drive/100%_abc/plan', 'budget beside it');
    await add('Drive/100XYa/plan', 'budget of a pattern');
    await add('Other/Drive/100%_a/plan', 'budget elsewhere');
    await add('Drive/back\\slash/plan', 'budget behind a backslash');
    expect(await found({ folder: 'Drive/100%_a' })).to.deep.equal([
      'budget deep in it',
      'budget in it',
      'budget of the page itself',
    ]);
    expect(await found({ folder: 'Drive/back\\slash' })).to.deep.equal(['budget behind a backslash']);
    expect(await found({ folder: 'Drive/%' })).to.deep.equal([]);
    expect(await found({ folder: 'nul \0 byte' })).to.deep.equal([]);
    expect(await found({ folder: 'Drive' })).to.have.length(6);
  });

  it('keep to one account, and to the asking user even where the account is another’s', async () => {
    const other = await addUser(database, 'ben@example.com');
    const account = async (owner: string, name: string) => {
      const id = randomUUID();
      await database
        .knex('user_integrations')
        .insert({ id, user_id: owner, platform: 'google_drive', account_id: name, status: 'active' });
      return id;
    };
    const [first, second, theirs] = [await account(userId, '1'), await account(userId, '2'), await account(other, '3')];
    await add('a', 'budget of the first', { integration_id: first });
    await add('b', 'budget of the second', { integration_id: second });
    await add('c', 'budget of the other user', { integration_id: theirs }, other);
    expect(await found({ integrationId: first })).to.deep.equal(['budget of the first']);
    expect(await found({ integrationId: theirs })).to.deep.equal([]);
    expect(await found({})).to.have.length(2);
  });

  it('keep to when a document was modified, both ends included', async () => {
    const day = (n: number) => new Date(Date.UTC(2026, 2, n));
    for (const n of [1, 2, 3]) await add(`d${n}`, `budget of day ${n}`, { modified_at: day(n) });
    await add('never', 'budget of no day');
    expect(await found({ modifiedFrom: day(2) })).to.deep.equal(['budget of day 2', 'budget of day 3']);
    expect(await found({ modifiedTo: day(2) })).to.deep.equal(['budget of day 1', 'budget of day 2']);
    expect(await found({ modifiedFrom: day(2), modifiedTo: day(2), folder: 'd2' })).to.deep.equal(['budget of day 2']);
    expect(await found({ modifiedFrom: day(4) })).to.deep.equal([]);
  });

  it('leave no result out that the approximate index does not come to', async () => {
    const near = Array.from({ length: 300 }, (_, n) => `budget near${n}`);
    const far = Array.from(
      { length: 12 },
      (_, n) => `budget ${'winter ferry rota berth pump valve '.repeat(3)} far${n}`,
    );
    const writer = createPostgresIndex(database);
    await addDocument(database, writer, userId, near);
    await addDocument(database, writer, userId, far, { category: 'rare' });
    // As if many more vectors lay nearer than the index looks at.
    const search = () =>
      createPostgresIndex(database, { exactUpTo: 0, scanUpTo: 100 }).search({
        userId,
        text: 'budget',
        embedding: embedWords('budget'),
        embedderId: EMBEDDER,
        mode: 'semantic',
        limit: 10,
        category: 'rare',
      });
    const results = await search();
    expect(results).to.have.length(10);
    for (const { text } of results) expect(text).to.include('far');
  });
});
