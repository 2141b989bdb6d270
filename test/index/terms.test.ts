import { expect } from 'chai';
import { countTerms, identifierTerms, queryTerms, toTsquery, toTsvector } from '../../server/index/terms.ts';

describe('search terms', () => {
  it('forget case, accents, plurals and endings', () => {
    expect(queryTerms('Ferries ferry FERRY')).to.have.length(1);
    expect(queryTerms('naïve Café Straße')).to.deep.equal(queryTerms('naive cafe STRASSE'));
    expect(queryTerms('расписание')).to.deep.equal(queryTerms('Расписания'));
    expect(queryTerms('الجدول')).to.deep.equal(queryTerms('جدول'));
    expect(queryTerms('class bus this')).to.deep.equal(['class', 'bus', 'this']);
  });

  it('keep the accented form of Vietnamese words beside the plain one', () => {
    expect(queryTerms('Việt')).to.deep.equal(['viet', 'việt']);
  });

  it('hold identifiers whole and in parts', () => {
    expect(queryTerms('ABC-123')).to.deep.equal(['abc123', 'abc', '123']);
    expect(queryTerms('abc123')).to.deep.equal(['abc123', 'abc', '123']);
    expect(queryTerms('0x80070057')).to.deep.equal(['0x80070057']);
    expect(queryTerms('getUserName')).to.include.members(['get', 'user', 'name']);
    expect(queryTerms('10.0.0.1 1,234.50')).to.deep.equal(['10.0.0.1', '1234.50']);
    expect(queryTerms("O'Brien's C++")).to.include.members(['brien', 'c++']);
    expect(queryTerms('3f2a9bde0c41')).to.deep.equal(['3f2a9bde0c41']);
  });

  it('hold addresses, paths and versions whole and in parts, whatever hyphen they are written with', () => {
    expect(queryTerms('foo_bar.baz')).to.deep.equal(['foobarbaz', 'foobar', 'foo', 'bar', 'baz']);
    expect(queryTerms('ann.lee@example.com')).to.include.members([
      ...queryTerms('ann.lee'),
      ...queryTerms('example.com'),
    ]);
    expect(queryTerms('/var/log/error.log')).to.include.members(['varlogerrorlog', ...queryTerms('error.log')]);
    expect(queryTerms('C:\\Users\\ann\\notes.txt')).to.include('usersannnotestxt');
    expect(queryTerms('and/or')).to.deep.equal(['and', 'or']);
    expect(queryTerms('10.0.0.1:8080')).to.deep.equal(['10.0.0.1:8080', '10.0.0.1']);
    expect(queryTerms('v1.2.3')).to.include('1.2.3');
    for (const hyphen of ['\u2010', '\u2011', '\u2013', '\u2212', '－'])
      expect(queryTerms(`ABC${hyphen}123`)).to.deep.equal(queryTerms('ABC-123'));
    expect(queryTerms('time\u00adtable')).to.deep.equal(queryTerms('timetable'));
  });

  it('tell whole identifiers from their parts and from plain words', () => {
    expect([...identifierTerms('the error ABC-123 of foo_bar.baz')]).to.deep.equal(['abc123', 'foobarbaz']);
    expect([...identifierTerms('a well-known cost, 1,234.50 e.g. in 2026')]).to.deep.equal([]);
    expect([...identifierTerms('KB5034441 src/index/terms.ts')]).to.include.members(['kb5034441', 'srcindextermsts']);
  });

  it('are pairs of characters in Chinese, Japanese and Korean, and words in Thai', () => {
    expect(queryTerms('東京タワー')).to.deep.equal(['東京', '京タ', 'タワ', 'ワー']);
    expect(queryTerms('ＡＢＣ版2024年')).to.deep.equal(['abc', '版', '2024', '年']);
    expect(queryTerms('한국어')).to.deep.equal(['한국', '국어']);
    expect(queryTerms('ประเทศไทยทำงาน')).to.deep.equal(['ประเทศไทย', 'ทำงาน']);
    expect([...countTerms('東京').keys()]).to.have.members(['東', '京', '東京']);
    expect(queryTerms('水')).to.deep.equal(['水']);
  });

  it('are none for punctuation, and few for a long query', () => {
    expect(queryTerms('Date: ____/____/____ --/--/--.--')).to.deep.equal(['date']);
    expect(queryTerms(' -- \'"\\ \0 !? ')).to.deep.equal([]);
    expect(queryTerms(Array.from({ length: 500 }, (_, n) => `word${n}x`).join(' '))).to.have.length(128);
  });

  it('are counted and written as Postgres reads them, quotes and backslashes harmless', () => {
    expect(toTsvector(countTerms('pump valve pump'))).to.equal("'pump':1,2 'valv'");
    expect(toTsvector(new Map([["it's \\", 1]]))).to.equal("'it''s \\\\'");
    expect(toTsquery(['a', "b'"])).to.equal("'a' | 'b'''");
    expect(toTsvector(countTerms('x '.repeat(1_000))).split(',')).to.have.length(255);
    expect([...countTerms('ـ ً \u0301 ـــ').keys()]).to.deep.equal([]);
  });

  it('take time in proportion to the text, whatever it is', () => {
    for (const text of [
      'a'.repeat(500_000),
      'a-'.repeat(250_000),
      'aB1'.repeat(150_000),
      '船'.repeat(100_000),
      `${'a'.repeat(500_000)}/`,
      'a/'.repeat(250_000),
    ]) {
      const started = performance.now();
      countTerms(text);
      expect(performance.now() - started).to.be.below(5_000);
    }
  });
});
