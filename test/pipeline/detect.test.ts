import { expect } from 'chai';
import { detect } from '../../server/pipeline/detect.ts';
import { ContentError } from '../../server/pipeline/normalized.ts';
import type { TestPipeline } from './prepare-bytes.ts';
import { openTestPipeline, zipOf } from './prepare-bytes.ts';

const kindOf = (content: string | Buffer, name: string, mediaType = 'application/octet-stream'): string => {
  try {
    return detect(typeof content === 'string' ? Buffer.from(content, 'latin1') : content, name, mediaType);
  } catch (error) {
    if (error instanceof ContentError) return error.code;
    throw error;
  }
};

describe('Detection of formats', () => {
  it('goes by the first bytes before the name', () => {
    expect(kindOf('%PDF-1.7\n', 'report.txt')).to.equal('pdf');
    expect(kindOf('PK\x03\x04\0\0', 'report.pdf')).to.equal('zip');
    expect(kindOf('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0', 'report.docx')).to.equal('ole');
    expect(kindOf('\x89PNG\r\n\x1a\n', 'report.docx')).to.equal('unsupported');
    expect(kindOf('\0\0\0\x20ftypisom\0', 'notes.md')).to.equal('unsupported');
  });

  it('goes by the name before the media type, and by the looks without either', () => {
    expect(kindOf('a,b', 'table.csv', 'text/plain')).to.equal('csv');
    expect(kindOf('a,b', 'table', 'text/csv; charset=utf-8')).to.equal('csv');
    expect(kindOf('<!doctype html><p>', 'page')).to.equal('html');
    expect(kindOf('<h1>T</h1><ac:structured-macro ac:name="info">', 'page.xml')).to.equal('html');
    expect(kindOf('{"a": 1}', 'data')).to.equal('json');
    expect(kindOf('[section]\nkey=1', 'settings.ini')).to.equal('txt');
    expect(kindOf('Dear all', 'letter')).to.equal('txt');
    expect(kindOf('<html><body>Sign in', 'report.docx')).to.equal('html');
    expect(kindOf('Subject: a\n\nHello', 'a.eml')).to.equal('eml');
    expect(kindOf('Subject: a\n\nHello', 'a', 'message/rfc822')).to.equal('eml');
    expect(kindOf('Only words', 'a.rtf')).to.equal('txt');
  });

  it('finds RTF under any name, and OpenDocument in a single XML file', () => {
    expect(kindOf('{\\rtf1 Hello}', 'letter.doc')).to.equal('rtf');
    const flat = '<?xml version="1.0"?>\n<office:document xmlns:office="o"';
    const type = 'application/vnd.oasis.opendocument.spreadsheet';
    expect(kindOf(`${flat} office:mimetype="${type}">`, 'a')).to.equal('ods');
    expect(kindOf(flat, 'a.fodt')).to.equal('odt');
  });

  it('calls a file that only bears an Office name damaged', () => {
    expect(kindOf('nothing like it', 'report.docx')).to.equal('corrupt');
    expect(kindOf('nothing like it', 'report.odt')).to.equal('corrupt');
    expect(kindOf('nothing like it', 'report.pdf')).to.equal('pdf');
  });

  it('does not take a text for an image because it begins with its signature', () => {
    expect(kindOf('GIF89a is a format of 1989.', 'history.txt')).to.equal('txt');
    expect(kindOf('BMW and other makers', 'cars.txt')).to.equal('txt');
    expect(kindOf('MZ is a signature', 'notes.txt')).to.equal('txt');
  });

  it('takes UTF-16 for text and other zero bytes for binary data', () => {
    expect(kindOf(Buffer.from('Hello, harbour', 'utf16le'), 'note.txt')).to.equal('txt');
    expect(kindOf('abc\0\0\0def\x01\x02', 'note.txt')).to.equal('unsupported');
  });
});

describe('Files that are not read', function () {
  this.timeout(120_000);
  let pipeline: TestPipeline;
  before(async () => {
    pipeline = await openTestPipeline();
  });
  after(async () => {
    await pipeline.close();
  });

  const ole = (stream: string) =>
    Buffer.concat([
      Buffer.from('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'latin1'),
      Buffer.alloc(2_000_000),
      Buffer.from(stream, 'utf16le'),
      Buffer.alloc(500),
    ]);

  it('are named with what to do, for old Office files, messages and archives', async () => {
    expect(await pipeline.refusal('a.doc', ole('WordDocument'))).to.match(/^unsupported: .*\.doc\).*save it as \.docx/);
    expect(await pipeline.refusal('a.xls', ole('Workbook'))).to.match(/^unsupported: .*\.xls\).*\.xlsx/);
    expect(await pipeline.refusal('a.ppt', ole('PowerPoint Document'))).to.match(/^unsupported: .*\.ppt\).*\.pptx/);
    expect(await pipeline.refusal('a.msg', ole('__substg1.0_0037001F'))).to.match(/^unsupported: .*\.msg\)/);
    expect(await pipeline.refusal('a.zip', zipOf({ 'a.txt': 'Hello' }))).to.match(
      /^unsupported: .*zip archive.*unpack/,
    );
    expect(await pipeline.refusal('a.gz', Buffer.from('\x1f\x8b\x08\0\0', 'latin1'))).to.match(/^unsupported: .*gzip/);
  });

  it('are named for e-books, drawings and files of other programs', async () => {
    const refusal = (type: string) => pipeline.refusal('a.odg', zipOf({ mimetype: type }));
    expect(await refusal('application/epub+zip')).to.match(/^unsupported: .*e-book/);
    expect(await refusal('application/vnd.oasis.opendocument.graphics')).to.match(/^unsupported: .*another program/);
  });

  it('are called encrypted when an OpenDocument says so', async () => {
    const manifest = '<m:manifest><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>';
    const mimetype = 'application/vnd.oasis.opendocument.text';
    const locked = zipOf({ mimetype, 'META-INF/manifest.xml': manifest, 'content.xml': '\u0003\u0001' });
    expect(await pipeline.refusal('b.odt', locked)).to.match(/^encrypted: .*password/);
  });

  it('are called encrypted when an Office file is in an encrypted container', async () => {
    expect(await pipeline.refusal('a.docx', ole('EncryptedPackage'))).to.match(/^encrypted: .*password/);
  });
});
