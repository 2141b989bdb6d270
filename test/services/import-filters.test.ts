import { expect } from 'chai';
import type { Item } from '../../providers/provider.ts';
import { filtersForm, typedFilters } from '../../server/forms/filters-form.ts';
import { parseForm } from '../../server/forms/form.ts';
import { refusalByName } from '../../server/pipeline/detect.ts';
import { FILE_GROUPS, groupOf } from '../../server/services/file-groups.ts';
import {
  cleanFilters,
  describeFilters,
  filterFor,
  isNamePattern,
  matchesName,
  type ImportFilters,
} from '../../server/services/import-filters.ts';

const file = (of: Partial<Item> = {}): Item => ({
  ref: 'f',
  name: 'Report.pdf',
  kind: 'file',
  mediaType: 'application/pdf',
  sizeBytes: 5000,
  modifiedAt: new Date('2026-03-01T00:00:00Z'),
  importable: true,
  ...of,
});
const reason = (filters: ImportFilters, of: Partial<Item> = {}): string | undefined =>
  filterFor(filters, 'google_drive')(file(of));

describe('a name pattern', () => {
  const cases: [pattern: string, name: string, matches: boolean][] = [
    ['*.pdf', 'Report.PDF', true],
    ['*.pdf', 'Report.pdf.txt', false],
    ['REPORT*', 'report 2026.docx', true],
    ['report', 'report.pdf', false],
    ['report?.pdf', 'report1.pdf', true],
    ['report?.pdf', 'report.pdf', false],
    ['*', '', true],
    ['?', '', false],
    ['*a*b*c', 'xxaxxbxxbxxc', true],
    ['*a*b*c', 'xxaxxcxxb', false],
    ['**.md', 'a.md', true],
    ['a*', 'ba', false],
    // Letters outside of the basic plane are one character, and accents may be written in two ways.
    ['?.txt', '🚢.txt', true],
    ['fähre*', 'Fa\u0308hre.txt', true],
    // Signs that a regular expression would read are letters here.
    ['(a+)+$.[txt]', '(A+)+$.[TXT]', true],
    ['a.c', 'abc', false],
    ['*?', '*', true],
  ];
  for (const [pattern, name, matches] of cases)
    it(`${pattern} ${matches ? 'is' : 'is not'} ${JSON.stringify(name)}`, () =>
      expect(matchesName(pattern, name)).to.equal(matches));

  it('is compared in no time, however it is made', () => {
    const started = Date.now();
    expect(matchesName(`${'*a'.repeat(100)}b`, 'a'.repeat(5000))).to.equal(false);
    expect(Date.now() - started).to.be.lessThan(1000);
  });

  it('takes several, of which one must match, and leaves out what ! names', () => {
    const filters = { namePattern: 'report*, *.csv , ! *draft*,, ' };
    expect(reason(filters, { name: 'Report.pdf' })).to.equal(undefined);
    expect(reason(filters, { name: 'fares.csv' })).to.equal(undefined);
    expect(reason(filters, { name: 'Report DRAFT.pdf' })).to.equal(
      'Left out by the filter: its name matches !*draft*.',
    );
    expect(reason(filters, { name: 'minutes.pdf' })).to.equal(
      'Left out by the filter: its name does not match report* or *.csv.',
    );
    expect(reason({ namePattern: '!*.tmp' }, { name: 'minutes.pdf' })).to.equal(undefined);
  });

  it('must name something', () => {
    expect(['*.pdf', '!a', 'a,,b'].map(isNamePattern)).to.deep.equal([true, true, true]);
    expect(['', ' ', ',', '!', 'a, !'].map(isNamePattern)).to.deep.equal([false, false, false, false, false]);
  });
});

describe('the filters of an import', () => {
  it('say why a file is left out, in a sentence', () => {
    expect(reason({ types: ['word', 'text'] })).to.equal(
      'Left out by the filter: not of the type Word or Text and Markdown.',
    );
    expect(reason({ minBytes: 6000 })).to.equal('Left out by the filter: smaller than 6 kB.');
    expect(reason({ maxBytes: 4000 })).to.equal('Left out by the filter: larger than 4 kB.');
    expect(reason({ modifiedAfter: '2026-03-02' })).to.equal('Left out by the filter: last changed before 2 Mar 2026.');
    expect(reason({ modifiedAfter: '2026-03-01T00:00:01Z' })).to.equal(
      'Left out by the filter: last changed before 1 Mar 2026, 00:00 UTC.',
    );
  });

  it('let a file through that is exactly as large, as small or as old as they say', () => {
    expect(reason({ minBytes: 5000, maxBytes: 5000, modifiedAfter: '2026-03-01', types: ['pdf'] })).to.equal(undefined);
    expect(reason({})).to.equal(undefined);
  });

  it('let through what the vendor does not tell, and folders always', () => {
    const filters: ImportFilters = { minBytes: 10, maxBytes: 20, modifiedAfter: '2026-06-01' };
    expect(reason(filters, { sizeBytes: undefined, modifiedAt: undefined })).to.equal(undefined);
    expect(reason({ types: ['mail'] }, { kind: 'folder', importable: false })).to.equal(undefined);
  });

  it('are the same without what filters nothing', () => {
    expect(cleanFilters({ types: [], namePattern: ' , ', minBytes: 0 })).to.equal(undefined);
    expect(cleanFilters({ types: [...FILE_GROUPS] })).to.equal(undefined);
    expect(cleanFilters({ types: ['word', 'pdf', 'pdf'], namePattern: ' a* ,, ! b' })).to.deep.equal({
      types: ['pdf', 'word'],
      namePattern: 'a*, !b',
    });
  });

  it('can be said in words', () => {
    expect(
      describeFilters({
        types: ['pdf', 'spreadsheets'],
        minBytes: 1000,
        maxBytes: 10_000_000,
        namePattern: '*.pdf, !draft*',
        modifiedAfter: '2026-03-01',
      }),
    ).to.equal(
      'Filters: type PDF or Excel and CSV; at least 1 kB; at most 10 MB; name *.pdf, !draft*; changed on 1 Mar 2026 or later.',
    );
    expect(describeFilters(undefined)).to.equal('');
  });
});

describe('the type of a file', () => {
  const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
  const groups: [group: string, name: string, mediaType: string][] = [
    ['pdf', 'a', 'application/pdf'],
    ['pdf', 'a.PDF', 'application/octet-stream'],
    // A Google Doc has no extension, and may be called by one that is not its own.
    ['word', 'Rota', word],
    ['word', 'Rota.xlsx', word],
    ['word', 'old.doc', 'application/msword'],
    ['powerpoint', 'a.pptx', 'application/zip'],
    ['spreadsheets', 'a.csv', 'text/plain'],
    ['spreadsheets', 'a.csv', 'text/csv; charset=utf-8'],
    ['web', 'a.html', 'text/html'],
    ['text', 'README', 'text/plain'],
    ['text', 'a.md', 'application/octet-stream'],
    ['other', 'a.py', 'text/plain'],
    ['mail', 'a.eml', 'message/rfc822'],
    ['other', 'a.png', 'image/png'],
    ['other', '', ''],
  ];
  for (const [group, name, mediaType] of groups)
    it(`of ${name || 'nothing'} (${mediaType || 'no media type'}) is ${group}`, () =>
      expect(groupOf({ name, mediaType, sizeBytes: 1 }, 'google_drive')).to.equal(group));

  it('tells pages and issues from the HTML files that hang on them', () => {
    const html = { name: 'OPS-3 Fix index.html', mediaType: 'text/html' };
    expect(groupOf(html, 'jira')).to.equal('pages');
    expect(groupOf({ ...html, sizeBytes: 10 }, 'jira')).to.equal('web');
    expect(groupOf(html, 'google_drive')).to.equal('web');
    const page = { name: 'Home', mediaType: 'application/vnd.atlassian.confluence.storage+xml' };
    expect(groupOf(page, 'confluence')).to.equal('pages');
  });

  it('foretells what cannot be read', () => {
    expect(refusalByName('a.png', 'image/png')).to.contain('an image');
    expect(refusalByName('a.doc', 'application/msword')).to.contain('(.doc)');
    expect(refusalByName('a.zip', 'application/zip')).to.contain('a zip archive');
    for (const [name, type] of [
      ['a.pdf', 'application/pdf'],
      ['a', word],
      ['a.bin', 'application/octet-stream'],
      ['a.csv', 'application/vnd.ms-excel'],
      ['a.odt', 'application/vnd.oasis.opendocument.text'],
      ['a.rtf', 'application/rtf'],
      ['a', 'message/rfc822'],
    ] as const)
      expect(refusalByName(name, type)).to.equal(undefined);
  });
});

describe("the filters' form", () => {
  const parse = (body: object) => parseForm(filtersForm, body);
  const errorsOf = (body: object) => {
    const parsed = parse(body);
    return parsed.ok ? [] : parsed.errors.map(({ field, message }) => `${field}: ${message}`);
  };

  it('left empty filters nothing', () => {
    const empty = { minSize: '', maxSize: ' ', namePattern: '', modifiedAfter: '' };
    expect(parse(empty)).to.deep.equal({ ok: true, values: undefined });
    expect(parse({})).to.deep.equal({ ok: true, values: undefined });
  });

  it('reads sizes as people write them', () => {
    const bytes = (minSize: string) => {
      const parsed = parse({ minSize });
      return parsed.ok ? parsed.values?.minBytes : 'wrong';
    };
    expect(['10', '10 MB', '500kB', '1.5 mb', '1,5 MB', '2 GB', '900 bytes'].map(bytes)).to.deep.equal([
      10e6, 10e6, 5e5, 1.5e6, 1.5e6, 2e9, 900,
    ]);
    expect(['0', '-1', 'ten', '10 TB', '1.2.3', '1e9', '0.0000001'].map(bytes)).to.deep.equal(
      Array.from({ length: 7 }, () => 'wrong'),
    );
  });

  it('says what is wrong beside each field', () => {
    expect(errorsOf({ minSize: 'big', maxSize: '1', namePattern: '!', modifiedAfter: '1 March' })).to.deep.equal([
      'minSize: Enter a size such as 500 kB or 10 MB.',
      'namePattern: Enter names such as *.pdf or !draft*, separated by commas.',
      'modifiedAfter: Enter a date as year, month and day, such as 2026-03-01.',
    ]);
    expect(errorsOf({ minSize: '2 MB', maxSize: '1 MB' })).to.deep.equal([
      'minSize: The smallest size is above the largest.',
    ]);
    expect(errorsOf({ modifiedAfter: '2999-01-01' })).to.have.length(1);
    expect(errorsOf({ modifiedAfter: '2026-02-30' })).to.have.length(1);
    expect(errorsOf({ namePattern: 'a'.repeat(201) })).to.have.length(1);
    expect(errorsOf({ namePattern: 'a\0' })).to.have.length(1);
  });

  it('keeps what was typed, right or wrong, and ticks that it knows', () => {
    const body = { types: ['pdf', 'fax'], minSize: 'big', namePattern: ['x'] };
    expect(typedFilters(body)).to.deep.equal({
      types: ['pdf'],
      minSize: 'big',
      maxSize: '',
      namePattern: '',
      modifiedAfter: '',
    });
    const parsed = parse({ types: 'pdf' });
    expect(parsed.ok && parsed.values).to.deep.equal({ types: ['pdf'] });
  });
});
