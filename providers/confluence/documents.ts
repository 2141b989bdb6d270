import { Readable } from 'node:stream';
import { escapeHtml } from '../escape-html.ts';
import type { OpenedFile } from '../provider.ts';
import type { Ancestors } from './ancestors.ts';
import type { Comment, ConfluenceApi, Seat } from './api.ts';
import { listedDocument, type ListedDocument } from './hints.ts';
import { commentsTitle, STORAGE_TYPE, type Content } from './items.ts';
import { createLookup } from './lookup.ts';
import { mentionedIn, withNames } from './mentions.ts';
import type { Places } from './places.ts';
import type { Document } from './refs.ts';

/** People, and pages, that one call asks for. */
const PEOPLE_AT_ONCE = 100;
const PAGES_AT_ONCE = 250;

/** Texts in Confluence's storage format. */
export type Documents = {
  /** A page or post, with the names of people in it; asked for unless a listing's hint holds it. */
  open(seat: Seat, document: Document, hint?: string): Promise<OpenedFile>;
  /** All comments of one, as one text. */
  openComments(seat: Seat, on: Document): Promise<OpenedFile>;
};

export function createDocuments(deps: { api: ConfluenceApi; ancestors: Ancestors; places: Places }): Documents {
  const { api, ancestors, places } = deps;
  const namesOf = createLookup(PEOPLE_AT_ONCE, (seat, ids) => api.names(seat, ids));
  const labelsOf = createLookup(PAGES_AT_ONCE, (seat, ids) => api.labels(seat, ids));

  const read = async (seat: Seat, document: Document): Promise<ListedDocument> => {
    const { body = '', ...content } = await api.read(seat, document);
    ancestors.note(seat, [content]);
    const trails = await ancestors.trails(seat, content.parent ? [content.parent] : []);
    const above = trails.get(content.parent?.id ?? '') ?? [];
    return { ...content, body, above, near: { pages: [], people: [] } };
  };

  return {
    async open(seat, document, hint) {
      const found = listedDocument(document.id, hint) ?? (await read(seat, document));
      const { id, title, body, spaceId, version, author, above, near } = found;
      const [names, labels, space] = await Promise.all([
        namesOf(seat, peopleIn(found), near.people),
        found.labels ?? labelsOf(seat, [id], near.pages).then((all) => all.get(id) ?? []),
        spaceId === undefined ? '' : places.nameOf(seat, spaceId),
      ]);
      const details = {
        Space: space,
        'Page id': id,
        Version: version === undefined ? '' : String(version),
        Author: author?.name ?? names.get(author?.id ?? '') ?? '',
        Labels: labels,
        Ancestors: above,
      };
      return {
        ...textFile(title, withNames(body, names)),
        version: version === undefined ? undefined : String(version),
        details: Object.fromEntries(Object.entries(details).filter(([, value]) => value.length > 0)),
      };
    },

    async openComments(seat, on) {
      const [content, comments] = await Promise.all([api.content(seat, on), api.comments(seat, on)]);
      const names = await namesOf(
        seat,
        comments.flatMap(({ body }) => mentionedIn(body)),
      );
      return textFile(commentsTitle(content.title), withNames(comments.map(commentMarkup).join('\n'), names));
    },
  };
}

/** Ids of those whose names a page or post needs. */
export const peopleIn = ({ author, body = '' }: Pick<Content, 'author' | 'body'>): string[] => [
  ...(author?.id !== undefined && author.name === undefined ? [author.id] : []),
  ...mentionedIn(body),
];

const textFile = (title: string, markup: string): OpenedFile => ({
  stream: Readable.from([Buffer.from(markup)]),
  name: `${title || 'Untitled'}.confluence`,
  mediaType: STORAGE_TYPE,
});

function commentMarkup({ author = 'Somebody', createdAt, body }: Comment): string {
  const when = createdAt ? `, ${createdAt.toISOString().slice(0, 10)}` : '';
  return `<h3>${escapeHtml(author)}${when}</h3>\n${body}`;
}
