import { stableUuid, type AtlassianPerson } from '../atlassian/sandbox-world.ts';

export type SpaceType = 'global' | 'personal' | 'collaboration' | 'knowledge_base';

export type ConfluenceSpace = {
  id: string;
  /** Those of personal spaces begin with `~`. */
  key: string;
  name: string;
  type: SpaceType;
  status: 'current' | 'archived';
  owner: AtlassianPerson;
  /** Absent where the space has no home page. */
  homepageId?: string;
  createdAt: Date;
  /** Account ids of those who may see it; absent: everybody at the site. */
  members?: Set<string>;
};

export type Version = { number: number; createdAt: Date; message: string; minorEdit: boolean; author: AtlassianPerson };

/** What stands in a space's tree, and blog posts, which stand beside it. */
export type ContentKind = 'page' | 'blogpost' | 'folder' | 'whiteboard' | 'database' | 'embed';
export type ContentStatus = 'current' | 'archived' | 'draft' | 'trashed';

export type Content = {
  id: string;
  kind: ContentKind;
  status: ContentStatus;
  title: string;
  space: ConfluenceSpace;
  parent?: Content;
  position: number;
  author: AtlassianPerson;
  createdAt: Date;
  version: Version;
  /** Older versions with their bodies, oldest first. */
  history: { version: Version; title: string; body: string }[];
  /** In storage format; '' for what has no text. */
  body: string;
  /** Live documents change without being published. */
  isLive: boolean;
  labels: string[];
  /** Account ids of those who may see it and all below; absent: everybody who may see the space. */
  restrictedTo?: Set<string>;
};

export type ConfluenceAttachment = {
  /** Begins with `att`. */
  id: string;
  /** The media service's own id. */
  fileId: string;
  container: Content;
  title: string;
  mediaType: string;
  sizeBytes: number;
  bytes: () => Promise<Buffer>;
  comment: string;
  author: AtlassianPerson;
  createdAt: Date;
  version: Version;
  status: 'current' | 'archived' | 'trashed';
};

export type ConfluenceComment = {
  id: string;
  kind: 'footer' | 'inline';
  container: Content;
  /** The comment that it answers. */
  parent?: ConfluenceComment;
  /** In storage format. */
  body: string;
  /** The words of the page that an inline comment hangs on. */
  selection?: string;
  author: AtlassianPerson;
  createdAt: Date;
  version: Version;
  status: 'current' | 'trashed';
};

type New<T, Required extends keyof T> = Partial<T> & Pick<T, Required>;

/** What one site's Confluence holds; tests change it at any time, and the next request sees it. */
export type ConfluenceState = {
  people: AtlassianPerson[];
  spaces: ConfluenceSpace[];
  contents: Content[];
  attachments: ConfluenceAttachment[];
  comments: ConfluenceComment[];
  /** Where an answer says how it goes on; Confluence says it in both places. */
  nextIn: 'both' | 'body' | 'header';
  /** More results than these with bodies take Confluence too long, which it says with a 504. */
  mostWithBodies: number;
  /** CQL answers as odd as Confluence's: pages that are shorter than asked for, and a last one that is empty. */
  oddPages: boolean;
  /** With `pages`, that many small ones below the home page, eight below each. */
  addSpace(space: New<ConfluenceSpace, 'key' | 'name'> & { pages?: number }): ConfluenceSpace;
  /** Stands below `parent`, else at the top of its space. */
  add(content: New<Content, 'space' | 'title'>): Content;
  attach(
    attachment: New<ConfluenceAttachment, 'container' | 'title' | 'mediaType'> & { content: Buffer | string },
  ): ConfluenceAttachment;
  comment(comment: New<ConfluenceComment, 'container' | 'body'>): ConfluenceComment;
  /** Publishes a new version. */
  edit(content: Content, change: { title?: string; body?: string; message?: string; at?: Date }): void;
  /** Errors: Error for a title that nothing has. */
  find(title: string): Content;
};

const EPOCH = new Date('2026-01-05T09:00:00Z');
const MINUTE_MS = 60_000;
const PAGES_BELOW_EACH = 8;

/** An empty Confluence; the first person is the author where nobody else is named. Ids are the same at every start. */
export function createConfluenceState(people: AtlassianPerson[], seed = ''): ConfluenceState {
  const [somebody] = people;
  if (!somebody) throw new Error('A Confluence site needs a person.');
  let lastSpace = 65_533;
  let last = 131_069;
  const nextId = (): string => String((last += 4));
  const first = (author: AtlassianPerson, createdAt: Date): Version => ({
    number: 1,
    createdAt,
    message: '',
    minorEdit: false,
    author,
  });

  const state: ConfluenceState = {
    people,
    spaces: [],
    contents: [],
    attachments: [],
    comments: [],
    nextIn: 'both',
    mostWithBodies: Infinity,
    oddPages: false,

    addSpace({ pages = 0, ...given }) {
      const space: ConfluenceSpace = {
        id: String((lastSpace += 4)),
        type: 'global',
        status: 'current',
        owner: somebody,
        createdAt: EPOCH,
        ...given,
      };
      state.spaces.push(space);
      if (pages > 0) addPages(space, pages);
      return space;
    },

    add(given) {
      const { author = somebody, createdAt = EPOCH } = given;
      const content: Content = {
        id: nextId(),
        kind: 'page',
        status: 'current',
        position: last,
        author,
        createdAt,
        version: first(author, createdAt),
        history: [],
        body: '',
        isLive: false,
        labels: [],
        ...given,
      };
      state.contents.push(content);
      return content;
    },

    attach({ content, ...given }) {
      const { author = somebody, createdAt = EPOCH } = given;
      const bytes = Buffer.from(content);
      const id = `att${nextId()}`;
      const attachment: ConfluenceAttachment = {
        id,
        fileId: stableUuid(`media ${seed} ${id}`),
        sizeBytes: bytes.length,
        bytes: async () => bytes,
        comment: '',
        author,
        createdAt,
        version: first(author, createdAt),
        status: 'current',
        ...given,
      };
      state.attachments.push(attachment);
      return attachment;
    },

    comment(given) {
      const { author = somebody, createdAt = EPOCH } = given;
      const comment: ConfluenceComment = {
        id: nextId(),
        kind: 'footer',
        author,
        createdAt,
        version: first(author, createdAt),
        status: 'current',
        ...given,
      };
      state.comments.push(comment);
      return comment;
    },

    edit(content, { title = content.title, body = content.body, message = '', at = new Date() }) {
      const { version } = content;
      content.history.push({ version, title: content.title, body: content.body });
      Object.assign(content, { title, body });
      content.version = { ...version, number: version.number + 1, createdAt: at, message };
    },

    find(title) {
      const content = state.contents.find((candidate) => candidate.title === title);
      if (!content) throw new Error(`The stand-in has no page “${title}”.`);
      return content;
    },
  };

  function addPages(space: ConfluenceSpace, count: number): void {
    const placed: Content[] = [];
    for (let number = 1; number <= count; number += 1) {
      const parent = placed[Math.floor((number - 2) / PAGES_BELOW_EACH)];
      const title = number === 1 ? `${space.name} home` : `${space.name} page ${number}`;
      const createdAt = new Date(EPOCH.getTime() + number * MINUTE_MS);
      const body = `<p>Words of page ${number}, with <strong>more</strong> to read.</p>`;
      placed.push(state.add({ space, title, parent, body, createdAt }));
    }
    space.homepageId = placed[0]?.id;
  }

  return state;
}
