import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { sampleFacts } from '../../providers/sandbox/company/facts.ts';
import { people, sharedDrives } from '../../providers/sandbox/company/manifest.ts';
import type { CompanyFile, CompanyFolder } from '../../providers/sandbox/company/manifest.ts';
import { parseBlocks } from '../../providers/sandbox/blocks.ts';
import { sandboxAccounts } from '../../providers/sandbox/sandbox-files.ts';
import type { SandboxAccount, SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import { officeText, pdfText } from './read-back.ts';

const company = fileURLToPath(new URL('../../providers/sandbox/company/', import.meta.url));
const filesIn = (entries: (CompanyFolder | CompanyFile)[]): CompanyFile[] =>
  entries.flatMap((entry) => ('entries' in entry ? filesIn(entry.entries) : [entry]));
const manifest = filesIn([...sharedDrives, ...people].flatMap(({ entries }) => entries));
const sources = manifest.flatMap(({ source }) => (source === undefined ? [] : [source]));
const sourceText = (source: string): string => readFileSync(company + source, 'utf8');
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

const spacesOf = (accounts: SandboxAccount[]) => accounts.flatMap(({ spaces }) => spaces);
const depth = (file: SandboxFile, byId: Map<string, SandboxFile>): number => {
  const parent = file.parentId === null ? undefined : byId.get(file.parentId);
  return parent ? depth(parent, byId) + 1 : 1;
};

describe('the sample company', () => {
  let accounts: SandboxAccount[];
  let files: SandboxFile[];
  const named = (name: string): SandboxFile => {
    const file = files.find((candidate) => candidate.name === name);
    if (!file) throw new Error(`The sample company has no ${name}.`);
    return file;
  };
  before(async () => {
    accounts = await sandboxAccounts({});
    files = [...new Map(spacesOf(accounts).flatMap((space) => space.files.map((file) => [file.id, file]))).values()];
  });

  it('has three accounts, each with a drive of its own and what others share', () => {
    expect(accounts.map(({ name }) => name)).to.deep.equal(['Marit Halloran', 'Tomas Okafor', 'Ines Beaumont']);
    expect(new Set(accounts.map(({ id }) => id)).size).to.equal(3);
    for (const { spaces } of accounts) {
      expect(spaces.map(({ kind }) => kind).slice(0, 2)).to.deep.equal(['my-drive', 'shared-with-me']);
      for (const space of spaces) expect(space.files, space.name).not.to.be.empty;
    }
  });

  it('lets Tomas into one of the two shared drives', () => {
    const drives = accounts.map(({ spaces }) =>
      spaces.filter(({ kind }) => kind === 'shared-drive').map(({ name }) => name),
    );
    expect(drives).to.deep.equal([['Operations', 'Company'], ['Operations'], ['Operations', 'Company']]);
  });

  it('shares a folder with all it holds, and a single file at the top', () => {
    const shared = accounts[0]?.spaces[1]?.files ?? [];
    const folder = shared.find(({ name }) => name === 'Hull Survey');
    expect(folder?.parentId).to.equal(null);
    expect(shared.filter(({ parentId }) => parentId === folder?.id).map(({ name }) => name)).to.deep.equal([
      'Hull Survey Notes.md',
      'Thickness Readings.csv',
    ]);
    const plan = shared.find(({ name }) => name === 'Campaign Plan Summer');
    expect(plan?.parentId).to.equal(null);
    expect(shared.some(({ name }) => name === 'Campaigns')).to.equal(false);
  });

  it('gives the same ids, versions and bytes at every start', async () => {
    const again = await sandboxAccounts({});
    const faces = (all: SandboxAccount[]) =>
      all.map(({ id, spaces }) => ({
        id,
        spaces: spaces.map((space) => [space.id, space.files.map((file) => [file.id, file.parentId, file.version])]),
      }));
    expect(faces(again)).to.deep.equal(faces(accounts));
    for (const name of ['Fares 2026.csv', 'Budget 2026.xlsx', 'Investor Deck.pptx', 'Onboarding Guide.docx']) {
      const twin = spacesOf(again)
        .flatMap((space) => space.files)
        .find((file) => file.name === name);
      expect((await twin?.bytes())?.equals(await named(name).bytes()), name).to.equal(true);
    }
  });

  it('has no id twice in a space, and no name twice among its files', () => {
    for (const space of spacesOf(accounts))
      expect(new Set(space.files.map(({ id }) => id)).size, space.name).to.equal(space.files.length);
    const names = files.filter(({ kind }) => kind === 'file').map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('lists each folder before what is in it', () => {
    for (const space of spacesOf(accounts)) {
      const seen = new Set<string>();
      for (const file of space.files) {
        if (file.parentId !== null) expect(seen.has(file.parentId), `${space.name}: ${file.name}`).to.equal(true);
        if (file.kind === 'folder') seen.add(file.id);
      }
    }
  });

  it('is large and deep enough to browse: 45 files and more, four levels', () => {
    expect(files.filter(({ kind }) => kind === 'file').length).to.be.at.least(45);
    const depths = spacesOf(accounts).map((space) => {
      const byId = new Map(space.files.map((file) => [file.id, file]));
      return Math.max(...space.files.map((file) => depth(file, byId)));
    });
    // The space itself is the first level.
    expect(Math.max(...depths) + 1).to.be.at.least(4);
    expect(files.filter(({ kind }) => kind === 'folder').length).to.be.at.least(15);
  });

  it('announces the size that its bytes have', async () => {
    for (const file of files) {
      if (file.kind === 'folder' || file.shortcutTo !== undefined || file.native === 'form') continue;
      const { length } = await file.bytes();
      if (file.native) {
        expect(file.sizeBytes, file.name).to.equal(0);
        expect(length, file.name).to.be.greaterThan(1000);
      } else expect(length, file.name).to.equal(file.sizeBytes);
    }
  });

  it('gives no bytes for folders, shortcuts and forms', async () => {
    const without = files.filter((file) => file.kind === 'folder' || file.shortcutTo || file.native === 'form');
    for (const file of without) {
      const said = await file.bytes().then(
        () => 'bytes',
        (error: unknown) => (error as Error).message,
      );
      expect(said, file.name).to.match(/is a folder|has no bytes of its own/);
    }
  });

  it('holds the odd ones: an empty file, a picture, a form, a shortcut, one locked, one not to be downloaded', async () => {
    expect(named('Untitled note.txt').sizeBytes).to.equal(0);
    expect((await named('Curlew at berth.png').bytes()).subarray(1, 4).toString('latin1')).to.equal('PNG');
    expect(named('Passenger Survey 2026').native).to.equal('form');
    expect(named('Fares (shortcut)').shortcutTo).to.equal(named('Fares 2026.csv').id);
    expect(named('Bank Covenant Letter.pdf').canDownload).to.equal(false);
    const locked = named('Payroll Letter Template.pdf');
    expect(await pdfText(await locked.bytes())).to.equal(undefined);
    expect((await locked.bytes()).toString('latin1')).to.include('/Encrypt');
    expect(locked.text).to.equal(undefined);
  });

  it('points its shortcuts at files that the same account sees', () => {
    for (const { spaces } of accounts) {
      const seen = new Set(spaces.flatMap((space) => space.files.map(({ id }) => id)));
      for (const { name, shortcutTo } of spaces.flatMap((space) => space.files))
        if (shortcutTo !== undefined) expect(seen.has(shortcutTo), name).to.equal(true);
    }
  });

  it('writes Office files that a strict parser reads and PDFs that open', async () => {
    for (const file of files.filter(({ kind }) => kind === 'file')) {
      if (file.native === 'form' || file.shortcutTo !== undefined) continue;
      const bytes = await file.bytes();
      if (file.mediaType.includes('openxmlformats')) expect(officeText(bytes).length, file.name).to.be.above(300);
      if (file.mediaType === 'application/pdf' && file.text !== undefined)
        expect((await pdfText(bytes))?.length, file.name).to.be.above(300);
    }
  });
});

describe('the sources of the sample company', () => {
  it('are all there, and none is left over', () => {
    for (const source of sources) expect(existsSync(company + source), source).to.equal(true);
    const found = readdirSync(company, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
      .map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll('\\', '/').split('/').slice(-2).join('/'));
    expect(found.sort()).to.deep.equal([...sources].sort());
  });

  it('are JSON and CSV where their names say so', () => {
    for (const source of sources.filter((name) => name.endsWith('.json')))
      expect(() => JSON.parse(sourceText(source)) as unknown, source).not.to.throw();
    for (const source of sources.filter((name) => name.endsWith('.csv')))
      expect(parse(sourceText(source), { columns: true }), source).to.have.length.above(10);
  });

  it('use no Markdown that the writers would print as it stands', () => {
    for (const { name, source, native } of manifest) {
      if (source === undefined || (!native && !/\.(docx|xlsx|pptx|pdf)$/.test(name))) continue;
      expect(sourceText(source), source).not.to.match(/\*\*|`|^#{4}|^ +[-\d]|\]\(/m);
    }
  });

  it('open each workbook with a heading and name its sheets as Excel allows', () => {
    for (const { name, source, native } of manifest) {
      if (source === undefined || !(native === 'spreadsheet' || name.endsWith('.xlsx'))) continue;
      const blocks = parseBlocks(sourceText(source));
      expect(blocks[0]?.kind, source).to.equal('heading');
      const sheets = blocks.flatMap((block) => (block.kind === 'heading' ? [block.text] : []));
      expect(new Set(sheets).size, source).to.equal(sheets.length);
      for (const sheet of sheets) expect(sheet, source).to.match(/^[^[\]:*?/\\]{1,31}$/);
    }
  });
});

describe('the sample facts', () => {
  it('stand word for word in their source', () => {
    expect(sampleFacts).to.have.length.above(5);
    for (const { file, sentence } of sampleFacts) {
      const source = manifest.find(({ name }) => name === file)?.source;
      expect(source, file).to.be.a('string');
      expect(oneLine(sourceText(source ?? '')), file).to.include(sentence);
    }
  });

  it('stand word for word in the file that is served', async () => {
    const files = spacesOf(await sandboxAccounts({})).flatMap((space) => space.files);
    for (const { file, sentence } of sampleFacts) {
      const served = files.find(({ name }) => name === file);
      const bytes = (await served?.bytes()) ?? Buffer.alloc(0);
      const isPdf = served?.mediaType === 'application/pdf';
      const isOffice = served?.mediaType.includes('openxmlformats') ?? false;
      const text = isPdf ? ((await pdfText(bytes)) ?? '') : isOffice ? officeText(bytes) : bytes.toString('utf8');
      expect(oneLine(text), file).to.include(sentence);
    }
  });

  it('are said once in the whole company, so that one file is the right answer', () => {
    for (const { sentence } of sampleFacts)
      expect(
        sources.filter((source) => oneLine(sourceText(source)).includes(sentence)),
        sentence,
      ).to.have.length(1);
  });
});
