import type { AtlassianFailures } from '../atlassian/failures.ts';
import type { Sites } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';
import type { Item, OpenedFile, Provider } from '../provider.ts';
import { bodyStream, isPage } from '../streams.ts';
import { createAncestors } from './ancestors.ts';
import type { ConfluenceApi, Seat } from './api.ts';
import { createBrowsing } from './browsing.ts';
import { createTouchedContents, type TouchedContents } from './changes.ts';
import { createDocuments } from './documents.ts';
import { listedAttachment } from './hints.ts';
import { createImportListing } from './import-listing.ts';
import { toAttachmentItem, toBlogItem, toCommentsItem, toContentItem, whyNotImportable } from './items.ts';
import { createPlaces } from './places.ts';
import { gone, isDocument, isNode, parseRef, type Ref } from './refs.ts';
import { createSearch } from './search.ts';

const PAGE_SIZE = 100;
/** Confluence's own limit. Source: https://developer.atlassian.com/cloud/confluence/rest/v2/ (2026). */
const MOST_ON_A_PAGE = 250;

export type Reading = Pick<Provider, 'roots' | 'list' | 'get' | 'open'> & {
  search: NonNullable<Provider['search']>;
  touched: TouchedContents;
};

/** The methods that read, by the calls of Cloud or of a Data Center. Errors: as those of the provider. */
export function createReading(api: ConfluenceApi, sites: Sites, failures: AtlassianFailures): Reading {
  const ancestors = createAncestors(api);
  const places = createPlaces(api, sites);
  const browse = createBrowsing(api);
  const listForImport = createImportListing({ api, ancestors });
  const documents = createDocuments({ api, ancestors, places });

  const itemOf = async (seat: Seat, ref: Ref): Promise<Item> => {
    switch (ref.kind) {
      case 'site':
        return places.site(seat);
      case 'personal':
        return places.personal(seat);
      case 'space':
        return places.space(seat, ref.id);
      case 'blog':
        await places.space(seat, ref.id);
        return toBlogItem(ref.id, seat);
      case 'attachment':
        return toAttachmentItem(await api.attachment(seat, ref.id), seat);
      case 'comments':
        return toCommentsItem(ref.on, (await api.content(seat, ref.on)).title, seat);
      default:
        return toContentItem(await api.content(seat, ref), seat);
    }
  };

  const openAttachment = async (
    seat: Seat & { signal: AbortSignal },
    id: string,
    hint?: string,
  ): Promise<OpenedFile> => {
    const attachment = listedAttachment(id, hint) ?? (await api.attachment(seat, id));
    const { title, mediaType, sizeBytes, version } = attachment;
    const response = await api.download(seat, attachment);
    if (isPage(response) && !mediaType.includes('html')) {
      await response.body?.cancel();
      throw failures.notJson('a download');
    }
    return {
      stream: bodyStream(response.body, seat.signal, failures.toProviderError),
      name: title,
      mediaType,
      sizeBytes,
      version: version === undefined ? undefined : String(version),
    };
  };

  const open = async (seat: Seat & { signal: AbortSignal }, ref: Ref, hint?: string): Promise<OpenedFile> => {
    if (ref.kind === 'attachment') return openAttachment(seat, ref.id, hint);
    if (ref.kind === 'comments') return documents.openComments(seat, ref.on);
    if ('id' in ref && isDocument(ref)) return documents.open(seat, ref, hint);
    const reason = 'id' in ref && isNode(ref) ? whyNotImportable(ref) : undefined;
    throw new ProviderError('not_downloadable', 'confluence', reason ?? 'A folder has no content of its own.');
  };

  return {
    roots: (connection) => places.roots(connection),

    async list(connection, text, cursor, { pageSize, forImport } = {}) {
      const ref = parseRef(text);
      const seat = { connection, cloudId: ref.cloudId };
      if (ref.kind === 'site' || ref.kind === 'personal') return places.list(seat, ref.kind, cursor);
      if (ref.kind === 'attachment' || ref.kind === 'comments') throw gone();
      // What hangs on the pages right inside a folder or its like is listed with each of them.
      const isShallow = forImport?.deep === false && ['space', 'blog', 'folder'].includes(ref.kind);
      if (forImport && !isShallow)
        return listForImport({ seat, place: ref, size: pageSize, wishes: forImport }, cursor);
      return browse(seat, ref, cursor, Math.min(pageSize ?? PAGE_SIZE, MOST_ON_A_PAGE));
    },

    search: createSearch({ api, ancestors, sites }),
    touched: createTouchedContents(api, ancestors),

    async get(connection, text) {
      const ref = parseRef(text);
      return itemOf({ connection, cloudId: ref.cloudId }, ref);
    },

    async open(connection, text, { signal, hint }) {
      try {
        signal.throwIfAborted();
        const ref = parseRef(text);
        return await open({ connection, cloudId: ref.cloudId, signal }, ref, hint);
      } catch (error) {
        throw signal.aborted ? signal.reason : failures.toProviderError(error);
      }
    },
  };
}
