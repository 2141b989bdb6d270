import { readFile } from 'node:fs/promises';
import { accountIdOfName, personIn, type AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { mediaTypeOf } from '../media-types.ts';
import { sampleBytes } from '../sandbox/company-accounts.ts';
import { userKeyOf } from './sandbox-people.ts';
import {
  createConfluenceState,
  type ConfluenceComment,
  type ConfluenceSpace,
  type ConfluenceState,
  type Content,
  type ContentKind,
  type ContentStatus,
} from './sandbox-state.ts';

type CompanySpace = Pick<ConfluenceSpace, 'key' | 'name'> &
  Partial<Pick<ConfluenceSpace, 'type'>> & {
    owner: string;
    /** Its pages stand in a file beside this one. */
    source: string;
  };

type Attributes = Record<string, string>;
/** An element of a source: a page, or what hangs on it. */
type Element = { element: string; attributes: Attributes; text: string };

const COMPANY: CompanySpace[] = [
  { key: 'HAND', name: 'Handbook', owner: 'Sofia Lindqvist', source: 'handbook.xml' },
  { key: 'OPS', name: 'Operations', owner: 'Tomas Okafor', source: 'operations.xml' },
  { key: 'SYS', name: 'Systems', owner: 'Emeka Bright', source: 'systems.xml' },
  {
    key: `~${accountIdOfName('Tomas Okafor').replace(/\W/g, '')}`,
    name: 'Tomas Okafor',
    type: 'personal',
    owner: 'Tomas Okafor',
    source: 'tomas.xml',
  },
];

const SHIPYARD: CompanySpace[] = [
  { key: 'HULL', name: 'Hulls in dock', owner: 'Greta Nansen', source: 'brannoc-slip.xml' },
];

const OLD_WIKI: CompanySpace[] = [{ key: 'OLD', name: 'Old wiki', owner: 'Tomas Okafor', source: 'old-wiki.xml' }];

/** The wiki of the invented Saltmarsh Ferry Company. Of its people, `people` are those who may sign in. */
export const companyConfluence = (people: AtlassianPerson[]): Promise<ConfluenceState> =>
  write(COMPANY, people, { seed: 'company', userAttribute: accountAttribute });

/** The small one of a shipyard that the company works with. */
export const shipyardConfluence = (people: AtlassianPerson[]): Promise<ConfluenceState> =>
  write(SHIPYARD, people, { seed: 'shipyard', userAttribute: accountAttribute });

/** What the company had before, on a server of its own. */
export const oldConfluence = (people: AtlassianPerson[]): Promise<ConfluenceState> =>
  write(OLD_WIKI, people, { seed: 'old', userAttribute: (person) => `ri:userkey="${userKeyOf(person)}"` });

const accountAttribute = ({ accountId }: AtlassianPerson): string => `ri:account-id="${accountId}"`;

/** `userAttribute` is how pages name a person: by account, or on a server by user key. */
type Manner = { seed: string; userAttribute: (person: AtlassianPerson) => string };

async function write(spaces: CompanySpace[], people: AtlassianPerson[], manner: Manner): Promise<ConfluenceState> {
  const state = createConfluenceState([...people], manner.seed);
  const personOf = (name: string): AtlassianPerson => personIn(state.people, name);
  for (const { source, owner, ...given } of spaces) {
    const space = state.addSpace({ ...given, owner: personOf(owner) });
    const xml = await readFile(new URL(`./sandbox-pages/${source}`, import.meta.url), 'utf8');
    for (const { element, attributes, text } of elementsOf(xml, PAGES)) {
      const [written = '', ...rest] = text.split(/^(?=<(?:attachment|comment|reply)\b)/m);
      // The pages beside this file name people by their names.
      const body = written
        .trim()
        .replace(/ri:account-id="([^"]*)"/g, (_, name: string) => manner.userAttribute(personOf(name)));
      const content = addContent(state, space, { kind: element as ContentKind, attributes, body });
      space.homepageId ??= content.id;
      for (const hanging of elementsOf(rest.join(''), HANGING)) await hang(state, content, hanging);
    }
  }
  return state;
}

const PAGES = ['page', 'blogpost', 'folder', 'whiteboard', 'database', 'embed'];
const HANGING = ['attachment', 'comment', 'reply'];

/** Elements of these names that begin a line; what is in them is not looked into. */
function elementsOf(xml: string, names: string[]): Element[] {
  const pattern = new RegExp(`^<(${names.join('|')})\\b((?:\\s[\\w-]+="[^"]*")*)\\s*(?:/>|>([^]*?)</\\1>)`, 'gm');
  return [...xml.matchAll(pattern)].map(([, element = '', list = '', text = '']) => ({
    element,
    attributes: Object.fromEntries(
      [...list.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
    ),
    text,
  }));
}

const timeOf = (text = ''): Date => new Date(`${text.replace(' ', 'T')}:00Z`);
const listOf = (text = ''): string[] => text.split(', ').filter((part) => part !== '');

function addContent(
  state: ConfluenceState,
  space: ConfluenceSpace,
  from: { kind: ContentKind; attributes: Attributes; body: string },
): Content {
  const { kind, attributes, body } = from;
  const { title = '', author = '', created, edited = created, version = '1', parent, restricted } = attributes;
  const by = personIn(state.people, author);
  return state.add({
    space,
    kind,
    title,
    body,
    author: by,
    createdAt: timeOf(created),
    version: { number: Number(version), createdAt: timeOf(edited), message: '', minorEdit: false, author: by },
    parent: parent === undefined ? undefined : state.find(parent),
    status: (attributes.status ?? 'current') as ContentStatus,
    isLive: attributes.live === 'yes',
    labels: listOf(attributes.labels),
    ...(restricted === undefined
      ? {}
      : { restrictedTo: new Set(listOf(restricted).map((name) => personIn(state.people, name).accountId)) }),
  });
}

/** An attachment, a comment, or the answer to the comment before it. */
async function hang(state: ConfluenceState, container: Content, { element, attributes, text }: Element): Promise<void> {
  const { name = '', from, by = '', at, on, comment = '' } = attributes;
  const [author, createdAt] = [personIn(state.people, by), timeOf(at)];
  if (element === 'attachment') {
    const source =
      from === undefined ? Buffer.alloc(0) : await readFile(new URL(`../sandbox/company/${from}`, import.meta.url));
    const content = sampleBytes({ name }, name, source);
    state.attach({ container, title: name, mediaType: mediaTypeOf(name), content, comment, author, createdAt });
    return;
  }
  const before = state.comments.findLast((one) => one.container === container && !one.parent);
  const kind: ConfluenceComment['kind'] = on === undefined ? 'footer' : 'inline';
  const parent = element === 'reply' ? before : undefined;
  state.comment({ container, kind: parent?.kind ?? kind, parent, body: text, selection: on, author, createdAt });
}
