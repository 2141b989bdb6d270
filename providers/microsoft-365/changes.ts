import { ProviderError } from '../errors.ts';
import { isRecord, parseJson } from '../json.ts';
import type { Change, ChangeFeeds } from '../provider.ts';
import { badResponse } from './failures.ts';
import type { Graph } from './graph.ts';
import { parseRef } from './refs.ts';
import { addressOf, DRIVE_FIELDS, ITEM_FIELDS, parseDrive, parseItem, parseItems, toItem, withinOf } from './wire.ts';

/** How far a drive was read: the link Graph gave, and the drive's top folder, which its changes name by id. */
type Place = { link: string; rootId: string };

/**
 * Graph's delta of whole drives; it tells the latest state of each item, not a log.
 * Source: https://learn.microsoft.com/en-us/graph/api/driveitem-delta (2026).
 */
export function createGraphChanges(graph: Graph): ChangeFeeds {
  const { url } = graph;
  return {
    feedOf(text) {
      const ref = parseRef(text);
      if (ref.kind === 'drive' || ref.kind === 'item') return ref.driveId;
      // Of what others share only a part of their drive is seen; sites and teams are known by their drives.
      return undefined;
    },

    async own(connection) {
      try {
        return parseDrive(await graph.read(connection, url`/me/drive?$select=${DRIVE_FIELDS}`, 'a drive')).id;
      } catch (error) {
        if (error instanceof ProviderError && (error.kind === 'denied' || error.kind === 'gone')) return undefined;
        throw error;
      }
    },

    async start(connection, driveId) {
      const root = parseItem(
        await graph.read(connection, url`/drives/${driveId}/root?$select=id`, 'the top of a drive'),
      );
      const latest = url`/drives/${driveId}/root/delta?token=${'latest'}&$select=${ITEM_FIELDS}`;
      const { next, delta } = await graph.changes(connection, latest, parseItems, 'the start of changes');
      const link = delta ?? next;
      if (!link) throw badResponse('the start of changes', '@odata.deltaLink');
      return formatPlace({ link, rootId: root.id });
    },

    async read(connection, driveId, cursor) {
      const { link, rootId } = parsePlace(cursor);
      const { value, next, delta } = await graph.changes(connection, link, parseItems, 'a list of changes');
      const reached = next ?? delta;
      if (!reached) throw badResponse('a list of changes', '@odata.deltaLink');
      const changes = value
        .filter(({ id, root }) => id !== rootId && !root)
        .map((item): Change => {
          const address = addressOf(driveId, item.id);
          if (item.deleted) return { kind: 'gone', address };
          return { kind: 'present', item: toItem(item, { driveId }), within: withinOf(item, driveId, rootId) };
        });
      return { changes, cursor: formatPlace({ link: reached, rootId }), done: next === undefined };
    },
  };
}

const formatPlace = (place: Place): string => JSON.stringify(place);

/** Errors: ProviderError `cursor_expired` for anything that this file has not made. */
function parsePlace(text: string): Place {
  const place = parseJson(text);
  if (isRecord(place) && typeof place.link === 'string' && typeof place.rootId === 'string')
    return { link: place.link, rootId: place.rootId };
  throw new ProviderError(
    'cursor_expired',
    'microsoft',
    'The place in the changes of a drive is not known; it starts over.',
  );
}
