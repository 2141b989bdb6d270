import type { AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { escapeHtml } from '../escape-html.ts';
import type { SandboxAccount, SandboxFile } from '../sandbox/sandbox-files.ts';
import { createConfluenceState, type ConfluenceState, type Content } from './sandbox-state.ts';

const TEXTS = new Set(['text/plain', 'text/markdown']);
/** Longer texts stay files: bodies of pages are kept in memory. */
const MOST_TEXT = 262_144;

/**
 * A wiki of one space made of an account's storage: a folder is a page with a page or an attachment for each of its files. Plain text and
 * Markdown become pages, as they stand.
 */
export async function folderConfluence({ spaces }: SandboxAccount, person: AtlassianPerson): Promise<ConfluenceState> {
  const state = createConfluenceState([person], 'folder');
  const space = state.addSpace({ key: 'FILES', name: 'Files' });
  const home = state.add({ space, title: 'Files', body: '<p>What is in the folder.</p>' });
  space.homepageId = home.id;
  const titles = new Set([home.title]);
  const folders = new Map<string | null, Content>([[null, home]]);
  for (const file of spaces[0]?.files ?? []) {
    const parent = folders.get(file.parentId) ?? home;
    const dates = { createdAt: file.modifiedAt };
    const isPage = file.kind === 'folder' || isShortText(file);
    if (!isPage) {
      const { name: title, mediaType, sizeBytes } = file;
      const bytes = (): Promise<Buffer> => file.bytes();
      Object.assign(state.attach({ container: parent, title, mediaType, content: '', ...dates }), { sizeBytes, bytes });
      continue;
    }
    const title = freeTitle(titles, file.name);
    const body = file.kind === 'folder' ? '' : paragraphs((await file.bytes()).toString('utf8'));
    const page = state.add({ space, parent, title, body, ...dates });
    if (file.kind === 'folder') folders.set(file.id, page);
  }
  return state;
}

const isShortText = ({ mediaType, sizeBytes }: SandboxFile): boolean => TEXTS.has(mediaType) && sizeBytes <= MOST_TEXT;

/** Titles stand once in a space. */
function freeTitle(taken: Set<string>, name: string): string {
  let title = name;
  for (let count = 2; taken.has(title); count += 1) title = `${name} (${count})`;
  taken.add(title);
  return title;
}

const paragraphs = (text: string): string =>
  text
    .split(/\n\s*\n/)
    .filter((part) => part.trim() !== '')
    .map((part) => `<p>${escapeHtml(part.trim()).replaceAll('\n', '<br />')}</p>`)
    .join('\n');
