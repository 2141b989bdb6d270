import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import { createPostgresIndex } from '../../server/index/postgres.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { addDocument, addUser } from './passages.ts';

onEachDatabase('a search for an identifier', (open) => {
  let database: Database;

  before(async () => {
    database = await open();
  });
  after(() => database.close());

  it('gives what has all of it before what often has a part of it, and finds it by its parts', async () => {
    const userId = await addUser(database, 'ann@example.com');
    const index = createPostgresIndex(database);
    const filler =
      'The ferry leaves the harbour at noon and comes back before the evening when the crew changes. '.repeat(6);
    const wholes = ['ABC-123', 'foo_bar.baz', 'ann.lee@example.com', '/srv/data/error.log', 'KB5034441'];
    const noise = [
      '123 123 123',
      'ABC ABC ABC',
      'foo foo foo',
      'bar bar',
      'baz baz baz',
      'lee lee lee ann',
      'example example',
    ];
    await addDocument(database, index, userId, [
      ...wholes.map((whole) => `${filler} It is about ${whole} only. ${filler}`),
      ...[...noise, 'error error log log', 'data data srv', 'KB KB KB', '5034441 5034441'],
      ...Array.from({ length: 60 }, (_, n) => `Nothing of the kind stands here ${n}`),
      '東京でＡＢＣ－４５６を受け取る',
      'แจ้งรหัส XY-77 ที่ประเทศไทย',
    ]);
    const find = async (text: string) =>
      (await index.search({ userId, text, mode: 'keyword', limit: 10 })).map((result) => result.text);
    for (const whole of wholes)
      for (const query of [whole, whole.toUpperCase(), whole.toLowerCase(), `what is ${whole}?`])
        expect((await find(query))[0], query).to.include(`about ${whole} only`);
    expect((await find('abc 123'))[0]).to.match(/ABC|123/);
    for (const [part, whole] of Object.entries({
      foo_bar: 'foo_bar.baz',
      'ann.lee': 'ann.lee@example.com',
      'error.log': 'error.log',
    }))
      expect((await find(part))[0], part).to.include(whole);
    expect((await find('abc-456'))[0]).to.include('ＡＢＣ－４５６');
    expect((await find('ABC-456 東京'))[0]).to.include('ＡＢＣ－４５６');
    expect((await find('ประเทศไทย xy-77'))[0]).to.include('XY-77');
  });
});
