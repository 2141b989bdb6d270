import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import type { SearchIndex, SearchQuery } from '../../server/index/index.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { EMBEDDER, addDocument, addUser, embedWords, prepareChunks, replaceChunks, toChunks } from './passages.ts';

/** What every index does. `start` gives the index over a database, empty; `calm` is awaited after each test: nothing went wrong unseen. */
export function describeIndex(
  title: string,
  start: (
    database: Database,
  ) => Promise<{ index: SearchIndex; calm?: () => Promise<void>; close?: () => Promise<void> }>,
): void {
  onEachDatabase(title, (open) => {
    let database: Database;
    let started: Awaited<ReturnType<typeof start>>;
    let index: SearchIndex;
    let userId: string;

    before(async () => {
      database = await open();
      started = await start(database);
      index = started.index;
    });
    after(async () => {
      await started.close?.();
      await database.close();
    });
    beforeEach(async () => {
      await database.knex('users').del();
      userId = await addUser(database, 'ann@example.com');
    });
    afterEach(() => started.calm?.());

    const search = (text: string, more: Partial<SearchQuery> = {}) =>
      index.search({ userId, text, embedding: embedWords(text), mode: 'hybrid', limit: 10, ...more });
    const texts = async (text: string, more: Partial<SearchQuery> = {}) =>
      (await search(text, more)).map((result) => result.text);

    it('gives passages with their place in the document and the document they stand in', async () => {
      const documentId = await addDocument(
        database,
        index,
        userId,
        ['The gangway is inspected monthly.', 'The bow ramp failed in March.'],
        { title: 'Incidents', platform: 'confluence', url: 'https://wiki.example/1', path: '/Safety/Incidents' },
      );
      const [first, second] = await search('bow ramp');
      expect(first).to.deep.include({
        documentId,
        ordinal: 1,
        title: 'Incidents',
        url: 'https://wiki.example/1',
        sourceType: 'confluence',
        path: '/Safety/Incidents',
        headingPath: ['Incidents', 'Part 2'],
        page: 2,
        text: 'The bow ramp failed in March.',
        confidence: 1,
      });
      expect(first?.chunkId).to.match(/^\d+$/);
      expect(first?.score).to.be.greaterThan(second?.score ?? 0);
    });

    it('never shows passages of another user, in any mode', async () => {
      const other = await addUser(database, 'ben@example.com');
      await addDocument(database, index, other, ['The secret launch code is swordfish.']);
      await addDocument(database, index, userId, ['The harbour café opens at seven.']);
      for (const mode of ['hybrid', 'semantic', 'keyword'] as const)
        expect(await texts('secret launch code swordfish', { mode })).not.to.include(
          'The secret launch code is swordfish.',
        );
      expect(await texts('secret launch code swordfish', { userId: other })).to.have.length(1);
    });

    it('searches within a platform and a category', async () => {
      await addDocument(database, index, userId, ['Budget in the drive'], {
        platform: 'google_drive',
        category: 'finance',
      });
      await addDocument(database, index, userId, ['Budget in the wiki'], {
        platform: 'confluence',
        category: 'finance',
      });
      await addDocument(database, index, userId, ['Budget in the tracker'], { platform: 'jira', category: 'plans' });
      expect(await texts('budget')).to.have.length(3);
      for (const mode of ['hybrid', 'semantic', 'keyword'] as const) {
        expect(await texts('budget', { mode, platform: 'confluence' })).to.deep.equal(['Budget in the wiki']);
        expect(await texts('budget', { mode, category: 'plans' })).to.deep.equal(['Budget in the tracker']);
        expect(await texts('budget', { mode, category: 'finance', platform: 'jira' })).to.deep.equal([]);
      }
    });

    it('gives at most as many passages as asked for', async () => {
      await addDocument(
        database,
        index,
        userId,
        Array.from({ length: 30 }, (_, n) => `Minutes of meeting number ${n}`),
      );
      expect(await search('minutes meeting', { limit: 7 })).to.have.length(7);
      expect(await search('minutes meeting', { limit: 50 })).to.have.length(30);
    });

    it('finds nothing, and fails at nothing, for a user without documents', async () => {
      for (const mode of ['hybrid', 'semantic', 'keyword'] as const)
        expect(await search('anything', { mode })).to.deep.equal([]);
      expect(await search('anything', { userId: randomUUID() })).to.deep.equal([]);
    });

    it('ranks a rare word above a common one and repeated mention above passing mention', async () => {
      await addDocument(database, index, userId, [
        'The ferry leaves at noon.',
        'The ferry and the other ferry share the berth of the ferry.',
        'The hydrofoil leaves at noon.',
        'The crew of the ferry meets its new captain on the quay.',
        'Nothing of interest.',
      ]);
      const found = await texts('ferry hydrofoil', { mode: 'keyword' });
      expect(found[0]).to.equal('The hydrofoil leaves at noon.');
      expect(found[1]).to.equal('The ferry and the other ferry share the berth of the ferry.');
      expect(found).to.have.length(4);
    });

    it('says how much of the query a passage covers', async () => {
      await addDocument(database, index, userId, ['alpha beta', 'alpha only', 'unrelated gamma']);
      const results = await search('alpha beta');
      const of = (text: string) => results.find((result) => result.text === text)?.confidence ?? 0;
      expect(of('alpha beta')).to.equal(1);
      expect(of('alpha only')).to.be.within(0.2, 0.6);
      expect((await search('alpha zeppelin'))[0]?.confidence).to.be.within(0.1, 0.6);
    });

    it('searches by meaning alone, by words alone, or both', async () => {
      await addDocument(database, index, userId, ['engineering handbook', 'the engine']);
      const near = embedWords('engineering');
      expect(await texts('engine', { mode: 'keyword', embedding: near })).to.deep.equal(['the engine']);
      expect((await texts('engine', { mode: 'semantic', embedding: near }))[0]).to.equal('engineering handbook');
      expect(await texts('engine', { mode: 'hybrid', embedding: near })).to.have.length(2);
    });

    it('searches by words when there is no query vector, or one without direction', async () => {
      await addDocument(database, index, userId, ['Winter timetable', 'Summer timetable']);
      for (const mode of ['hybrid', 'semantic'] as const) {
        expect(await texts('winter', { mode, embedding: undefined })).to.deep.equal(['Winter timetable']);
        expect(await texts('winter', { mode, embedding: new Float32Array(1024) })).to.deep.equal(['Winter timetable']);
      }
    });

    it('finds identifiers written in any way, and tells neighbours apart', async () => {
      await addDocument(database, index, userId, [
        'Ticket ABC-123 was closed.',
        'Ticket ABC-124 was closed.',
        'The update fails with 0x80070057.',
        'The update fails with 0x80070005.',
        'Call getUserName before login.',
        'Certified to ISO27001 last year.',
        'Write to ann.lee@example.com for access.',
        'The server 10.0.0.1 is down, 10.0.0.2 is up.',
      ]);
      const first = async (text: string) => (await texts(text, { mode: 'keyword' }))[0];
      for (const query of ['ABC-123', 'abc123', 'ABC_123', 'what about abc-123?'])
        expect(await first(query), query).to.equal('Ticket ABC-123 was closed.');
      expect(await first('0X80070057')).to.equal('The update fails with 0x80070057.');
      expect(await first('get user name')).to.equal('Call getUserName before login.');
      expect(await first('iso 27001')).to.equal('Certified to ISO27001 last year.');
      expect(await first('ann.lee@example.com')).to.equal('Write to ann.lee@example.com for access.');
      expect(await first('10.0.0.2')).to.equal('The server 10.0.0.1 is down, 10.0.0.2 is up.');
      expect(await texts('0x80070005', { mode: 'keyword' })).to.have.length(1);
    });

    it('finds Chinese, Japanese, Thai, Korean and Arabic, which write words without spaces or with endings', async () => {
      const passages = {
        zh: '渡轮在冬季每小时发一班船。',
        ja: '冬の時刻表は来週から変わります。',
        th: 'ตารางเวลาเรือเฟอร์รี่ในฤดูหนาวจะเปลี่ยนสัปดาห์หน้า',
        ko: '겨울 시간표는 다음 주부터 바뀝니다.',
        ar: 'يتغير الجدول الزمني للعبارات في الشتاء',
        ru: 'Зимнее расписание паромов меняется.',
        other: 'Nothing about it.',
      };
      await addDocument(database, index, userId, Object.values(passages));
      const first = async (text: string) => (await texts(text, { mode: 'keyword' }))[0];
      expect(await first('冬季渡轮')).to.equal(passages.zh);
      expect(await first('船')).to.equal(passages.zh);
      expect(await first('時刻表')).to.equal(passages.ja);
      expect(await first('ฤดูหนาว')).to.equal(passages.th);
      expect(await first('시간표')).to.equal(passages.ko);
      expect(await first('جدول العبارات')).to.equal(passages.ar);
      expect(await first('расписание парома')).to.equal(passages.ru);
    });

    it('replaces all chunks of a document at once, and leaves the old ones when that fails', async () => {
      const id = await addDocument(database, index, userId, ['old one', 'old two']);
      const chunks = toChunks(['new one']);
      const prepared = await prepareChunks(database, index, id, chunks);
      expect(await texts('old new', { mode: 'keyword' })).to.have.members(['old one', 'old two']);
      await database
        .transaction(async (trx) => {
          await index.replace(trx, id, chunks, EMBEDDER, prepared);
          throw new Error('roll back');
        })
        .catch(() => undefined);
      await index.discard(prepared);
      expect(await texts('old new', { mode: 'keyword' })).to.have.members(['old one', 'old two']);
      await replaceChunks(database, index, id, chunks);
      expect(await texts('old new')).to.deep.equal(['new one']);
      await replaceChunks(database, index, id, []);
      expect(await texts('old new')).to.deep.equal([]);
    });

    it('keeps one set of chunks when a document is replaced several times at once', async () => {
      const id = await addDocument(database, index, userId, ['start']);
      const shared = Array.from({ length: 20 }, (_, n) => `shared passage ${n}`);
      await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          replaceChunks(database, index, id, toChunks(n % 2 ? shared : shared.toReversed())),
        ),
      );
      expect(await texts('shared passage', { limit: 50 })).to.have.length(20);
    });

    it('refuses chunks whose embedding is not stored, and leaves the document as it was', async () => {
      const id = await addDocument(database, index, userId, ['kept']);
      const work = database.transaction((trx) => index.replace(trx, id, toChunks(['never stored']), EMBEDDER));
      expect(await work.catch((error: unknown) => error)).to.include({ name: 'EmbeddingError', kind: 'unavailable' });
      expect(await texts('kept')).to.deep.equal(['kept']);
    });

    it('answers any query text without an error', async () => {
      await addDocument(database, index, userId, [
        "It's the captain's \\ \"log\" 🚢 100% & more | !( ) :* <-> O'Brien",
      ]);
      const queries = [
        "'; drop table chunks; --",
        "' or 1=1 --",
        "it's",
        'a\\',
        '\\',
        '"log"',
        "''''",
        '!!!',
        '& | ! ( ) <-> :*',
        'log:*A & !captain',
        '?',
        '? :user ?? $1 %s',
        '{1,2}',
        '[1,2]',
        '🚢',
        '🏴󠁧󠁢󠁳󠁣󠁴󠁿👩‍👩‍👧‍👦',
        '\ud800 lone',
        'nul \0 byte',
        'the of and',
        '   ',
        '',
        'ﬁ Ａ ² ㎏ İ ﷺ',
        'a'.repeat(1000),
        '船'.repeat(1000),
        "'".repeat(1000),
        '🚢'.repeat(500),
        Array.from({ length: 300 }, (_, n) => `w${n}`)
          .join(' ')
          .slice(0, 1000),
      ];
      for (const mode of ['hybrid', 'semantic', 'keyword'] as const)
        for (const query of queries) {
          const results = await search(query, { mode });
          for (const result of results) expect(result.confidence, query).to.be.within(0, 1);
        }
      expect(await texts('🚢', { mode: 'keyword' })).to.have.length(1);
      expect(await texts('obrien', { mode: 'keyword' })).to.have.length(1);
      expect(await database.knex.schema.hasTable('chunks')).to.equal(true);
    });

    it('indexes any text without an error', async () => {
      const odd = ['nul \0 byte', '\\ \' "', '\ud800', 'x'.repeat(20_000), "'", '', '​', 'word '.repeat(2_000)];
      await addDocument(database, index, userId, odd, { title: "Quote's \\ title" });
      expect(await search('title', { limit: 50 })).to.have.length(odd.length);
    });
  });
}
