import { readFile } from 'node:fs/promises';
import { parseBlocks, splitAtBreaks } from './blocks.ts';
import type { Block } from './blocks.ts';
import { berthPicture } from './berth-picture.ts';
import { people, sharedDrives } from './company/manifest.ts';
import type { CompanyFile, CompanyFolder, Person } from './company/manifest.ts';
import { FOLDER_TYPE, mediaTypeOf } from '../media-types.ts';
import { docx, pptx, xlsx } from './office-writers.ts';
import type { Sheet, Slide } from './office-writers.ts';
import { pdf } from './pdf-writer.ts';
import type { SandboxAccount, SandboxFile } from './sandbox-files.ts';
import { accountId, driveId, fileId, nativeId, versionOf } from './sandbox-ids.ts';

type Placed = { entry: CompanyFolder | CompanyFile; file: SandboxFile };

const FOLDER_DATE = new Date('2026-01-05T09:00:00Z');
const EXPORT_EXTENSION = { document: '.docx', spreadsheet: '.xlsx', presentation: '.pptx' } as const;

/** Accounts of the invented Saltmarsh Ferry Company, written from the plain text in `company/`. */
export const companyAccounts = async (): Promise<SandboxAccount[]> => {
  const drives = await Promise.all(
    sharedDrives.map(async (drive) => ({ drive, placed: await place(drive.name, null, drive.entries) })),
  );
  const homes = await Promise.all(
    people.map(async (person) => ({ person, placed: await place(person.email, null, person.entries) })),
  );
  resolveShortcuts([...drives, ...homes].flatMap(({ placed }) => placed));
  return homes.map(({ person, placed }) => ({
    id: accountId(person.email),
    email: person.email,
    organisation: person.email.split('@')[1],
    name: person.name,
    spaces: [
      {
        id: driveId(`${person.email} home`),
        kind: 'my-drive',
        name: 'My Drive',
        files: placed.map(({ file }) => file),
      },
      {
        id: driveId(`${person.email} shared`),
        kind: 'shared-with-me',
        name: 'Shared with me',
        files: homes.filter((home) => home.person !== person).flatMap((home) => sharedWith(person, home.placed)),
      },
      ...drives
        .filter(({ drive }) => drive.members.includes(person.email))
        .map(({ drive, placed: inDrive }) => ({
          id: driveId(drive.name),
          kind: 'shared-drive' as const,
          name: drive.name,
          files: inDrive.map(({ file }) => file),
        })),
    ],
  }));
};

/** Turns manifest entries into files, folders first, with ids from where they stand. */
const place = async (
  path: string,
  parentId: string | null,
  entries: (CompanyFolder | CompanyFile)[],
): Promise<Placed[]> => {
  const placed: Placed[] = [];
  for (const entry of entries) {
    const key = `${path}/${entry.name}`;
    if ('entries' in entry) {
      const id = fileId(key);
      placed.push({ entry, file: folder(id, parentId, entry.name) }, ...(await place(key, id, entry.entries)));
    } else placed.push({ entry, file: await companyFile(key, parentId, entry) });
  }
  return placed;
};

const folder = (id: string, parentId: string | null, name: string): SandboxFile => ({
  id,
  parentId,
  name,
  kind: 'folder',
  mediaType: FOLDER_TYPE,
  modifiedAt: FOLDER_DATE,
  version: versionOf(FOLDER_DATE),
  sizeBytes: 0,
  bytes: () => Promise.reject(new Error(`${name} is a folder.`)),
});

const companyFile = async (key: string, parentId: string | null, entry: CompanyFile): Promise<SandboxFile> => {
  const source =
    entry.source === undefined
      ? Buffer.alloc(0)
      : await readFile(new URL(`./company/${entry.source}`, import.meta.url));
  const native = entry.native;
  const extension = native && native !== 'form' ? EXPORT_EXTENSION[native] : '';
  const withoutBytes = native === 'form' || entry.shortcutTo !== undefined;
  const render = (): Buffer => {
    if (withoutBytes) throw new Error(`${entry.name} has no bytes of its own.`);
    return sampleBytes(entry, extension || entry.name, source);
  };
  const modifiedAt = new Date(entry.modified);
  return {
    id: native ? nativeId(key) : fileId(key),
    parentId,
    name: entry.name,
    kind: 'file',
    mediaType: mediaTypeOf(entry.name + extension),
    modifiedAt,
    version: versionOf(modifiedAt),
    sizeBytes: native || withoutBytes ? 0 : render().length,
    bytes: async () => render(),
    ...(native ? { native } : {}),
    ...(entry.source === undefined || entry.locked ? {} : { text: source.toString('utf8') }),
    ...(entry.canDownload === false ? { canDownload: false } : {}),
  };
};

/** The bytes of a file in the format that the extension of `name` says, written from Markdown where that format is not plain text. */
export const sampleBytes = (entry: Pick<CompanyFile, 'name' | 'locked'>, name: string, source: Buffer): Buffer => {
  const extension = name.slice(name.lastIndexOf('.'));
  if (extension === '.png') return berthPicture();
  if (!['.docx', '.xlsx', '.pptx', '.pdf'].includes(extension)) return source;
  const blocks = parseBlocks(source.toString('utf8'));
  if (extension === '.docx') return docx(blocks);
  if (extension === '.xlsx') return xlsx(sheetsOf(blocks));
  if (extension === '.pptx') return pptx(splitAtBreaks(blocks).map(slideOf));
  return pdf(splitAtBreaks(blocks), { title: entry.name.replace(/\.pdf$/, ''), locked: entry.locked ?? false });
};

/** A heading opens a sheet; below it stand the rows of its tables, and a paragraph or list item as a row of one cell. */
const sheetsOf = (blocks: Block[]): Sheet[] => {
  const sheets: Sheet[] = [];
  const add = (...rows: string[][]): void => {
    if (sheets.length === 0) sheets.push({ name: 'Sheet1', rows: [] });
    sheets.at(-1)?.rows.push(...rows);
  };
  for (const block of blocks) {
    if (block.kind === 'heading') sheets.push({ name: block.text, rows: [] });
    else if (block.kind === 'table') add(...block.rows);
    else if (block.kind === 'list') add(...block.items.map((item) => [item]));
    else if (block.kind === 'paragraph') add([block.text]);
  }
  return sheets;
};

const slideOf = (blocks: Block[]): Slide => {
  const slide: Slide = { title: '', lines: [] };
  for (const block of blocks) {
    if (block.kind === 'heading' && slide.title === '') slide.title = block.text;
    else if (block.kind === 'list') slide.lines.push(...block.items);
    else if (block.kind === 'table') slide.lines.push(...block.rows.map((row) => row.join(' · ')));
    else if (block.kind !== 'break') slide.lines.push(block.text);
  }
  return slide;
};

/** What another person's drive shares with this one: each shared file or folder at the top, a folder with all it holds. */
const sharedWith = (person: Person, placed: Placed[]): SandboxFile[] => {
  const shared = new Set<string>();
  return placed.flatMap(({ entry, file }) => {
    if (file.parentId !== null && shared.has(file.parentId)) {
      shared.add(file.id);
      return [file];
    }
    if (!entry.sharedWith?.includes(person.email)) return [];
    shared.add(file.id);
    return [{ ...file, parentId: null }];
  });
};

/** The manifest names a shortcut's target by its file name, which stands once in the company. */
const resolveShortcuts = (placed: Placed[]): void => {
  for (const { entry, file } of placed) {
    if ('entries' in entry || entry.shortcutTo === undefined) continue;
    const target = placed.find((other) => other.file.name === entry.shortcutTo);
    if (!target) throw new Error(`The shortcut ${entry.name} leads to ${entry.shortcutTo}, which is in no folder.`);
    file.shortcutTo = target.file.id;
  }
};
