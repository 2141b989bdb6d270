import type { MicrosoftConfig } from '../../server/config.ts';
import { ProviderError } from '../errors.ts';
import type { Connection, Item, ItemPage, OpenedFile, Provider, ProviderDefinition } from '../provider.ts';
import { byName, foldersFirst } from '../item-order.ts';
import { bodyStream } from '../streams.ts';
import { createMicrosoftAuth, SCOPES, SETTINGS } from './auth.ts';
import { download } from './download.ts';
import { isUnavailable, judge, toProviderError } from './failures.ts';
import { createGraphChanges } from './changes.ts';
import { createGraph } from './graph.ts';
import { parseRef, type Ref } from './refs.ts';
import { createSearch } from './search.ts';
import { createGraphWebhooks } from './webhooks.ts';
import {
  addressOf,
  ALL_SITES,
  ALL_TEAMS,
  DRIVE_FIELDS,
  fromHint,
  hashOf,
  isPersonalSite,
  ITEM_FIELDS,
  noOneDrive,
  parseChannel,
  parseChannels,
  parseDrive,
  parseDrives,
  parseItem,
  parseItems,
  parseSite,
  parseSites,
  parseTeam,
  parseTeams,
  SHARED_WITH_ME,
  toChannelItem,
  toDriveItem,
  toItem,
  toSiteItem,
  toTeamItem,
  versionOf,
  whyNotImportable,
  type DriveItem,
} from './wire.ts';

const PAGE_SIZE = '200';
/** Sites shown as roots of their own; where there are more, one root leads to all. */
const SITES_SHOWN = '100';

export const microsoft365Definition: ProviderDefinition = {
  id: 'microsoft',
  label: 'Microsoft 365',
  summary:
    'Browse and import from OneDrive, what others share with you, SharePoint sites, and the files of your teams.',
  scopes: SCOPES,
  settings: SETTINGS,
  hosts: [
    'login.microsoftonline.com',
    'login.live.com',
    'graph.microsoft.com',
    // Where downloads are redirected to, by kind of account.
    '*.sharepoint.com',
    '*.microsoftpersonalcontent.com',
    '*.svc.ms',
    '*.1drv.com',
  ],
  // A person may ask SharePoint 3000 times in five minutes; an app's share grows with each organisation's licences.
  // Source: https://learn.microsoft.com/en-us/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online (2026).
  pace: { integration: { perSecond: 10, burst: 50 }, app: { perSecond: 50, burst: 200 } },
  // Source: https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens (2025).
  idleDays: 90,
  // Graph has no call that ends the grant of one app. Personal accounts: https://account.live.com/consent/Manage.
  manualRevokeUrl: 'https://myapps.microsoft.com',
  help: { consoleUrl: 'https://entra.microsoft.com/', guide: 'docs/microsoft-365.md' },
};

/**
 * OneDrive, SharePoint and the files of Teams through Microsoft Graph v1.0.
 * Errors: every method throws ProviderError only; `open` throws the signal's reason when it is aborted.
 */
export function createMicrosoft365(config: MicrosoftConfig): Provider {
  const graph = createGraph(config);
  const { url } = graph;

  const itemOf = async (
    connection: Connection,
    at: { driveId: string; itemId: string },
    init?: RequestInit,
  ): Promise<DriveItem> => {
    const address = url`/drives/${at.driveId}/items/${at.itemId}?$select=${ITEM_FIELDS}`;
    const item = parseItem(await graph.read(connection, address, 'an item', init));
    if (item.deleted) throw new ProviderError('gone', 'microsoft', 'The item is in the recycle bin of Microsoft 365.');
    return item;
  };

  const myDrive = async (connection: Connection): Promise<Item> =>
    toDriveItem(parseDrive(await graph.read(connection, url`/me/drive?$select=${DRIVE_FIELDS}`, 'a drive')));

  const sites = async (connection: Connection, cursor?: string): Promise<ItemPage> => {
    const at = { url: url`/sites?search=${'*'}&$top=${SITES_SHOWN}`, cursor };
    const { value, next } = await graph.page(connection, at, parseSites, 'the list of sites');
    return { items: byName(value.filter((site) => !isPersonalSite(site)).map(toSiteItem)), next };
  };

  const teams = async (connection: Connection, cursor?: string): Promise<ItemPage> => {
    // Takes no parameters. Source: https://learn.microsoft.com/en-us/graph/api/user-list-joinedteams (2026).
    const at = { url: url`/me/joinedTeams`, cursor };
    const { value, next } = await graph.page(connection, at, parseTeams, 'the list of teams');
    return { items: byName(value.map(toTeamItem)), next };
  };

  const itemsAt = async (
    connection: Connection,
    at: { url: string; cursor?: string },
    asked: { driveId?: string; shared?: boolean },
  ): Promise<ItemPage> => {
    const { value, next } = await graph.page(connection, at, parseItems, 'a list of items');
    const items = value.filter((item) => !item.deleted).map((item) => toItem(item, asked));
    return { items: foldersFirst(items), next };
  };

  const childrenOf = async (
    connection: Connection,
    at: { driveId: string; itemId?: string },
    cursor?: string,
  ): Promise<ItemPage> => {
    const { driveId, itemId } = at;
    const address =
      itemId === undefined
        ? url`/drives/${driveId}/root/children?$top=${PAGE_SIZE}&$select=${ITEM_FIELDS}`
        : url`/drives/${driveId}/items/${itemId}/children?$top=${PAGE_SIZE}&$select=${ITEM_FIELDS}`;
    return {
      ...(await itemsAt(connection, { url: address, cursor }, { driveId })),
      address: addressOf(driveId, itemId),
    };
  };

  const channelFiles = async (
    connection: Connection,
    ref: Extract<Ref, { kind: 'channel' }>,
    cursor?: string,
  ): Promise<ItemPage> => {
    const address = url`/teams/${ref.teamId}/channels/${ref.channelId}/filesFolder`;
    let folder: DriveItem;
    try {
      folder = parseItem(await graph.read(connection, address, 'the folder of a channel'));
    } catch (error) {
      if (!(error instanceof ProviderError && error.kind === 'gone')) throw error;
      // A channel has no folder before the first look at its files; a channel that is gone fails here.
      await get(connection, ref);
      return { items: [] };
    }
    const driveId = folder.parentReference?.driveId;
    if (!driveId)
      throw new ProviderError('bad_response', 'microsoft', 'Microsoft does not say where the channel’s files lie.');
    return childrenOf(connection, { driveId, itemId: folder.id }, cursor);
  };

  const list = async (connection: Connection, text: string, cursor?: string): Promise<ItemPage> => {
    const ref = parseRef(text);
    switch (ref.kind) {
      case 'shared-with-me':
        return itemsAt(connection, { url: url`/me/drive/sharedWithMe`, cursor }, { shared: true });
      case 'sites':
        return sites(connection, cursor);
      case 'teams':
        return teams(connection, cursor);
      case 'one-drive':
        return list(connection, (await myDrive(connection)).ref, cursor);
      case 'site': {
        const at = { url: url`/sites/${ref.siteId}/drives?$select=${DRIVE_FIELDS}`, cursor };
        const { value, next } = await graph.page(connection, at, parseDrives, 'a list of libraries');
        return { items: value.map(toDriveItem), next };
      }
      case 'team': {
        const at = { url: url`/teams/${ref.teamId}/channels`, cursor };
        const { value, next } = await graph.page(connection, at, parseChannels, 'a list of channels');
        return { items: value.map((channel) => toChannelItem(channel, ref.teamId)), next };
      }
      case 'channel':
        return channelFiles(connection, ref, cursor);
      case 'link':
        return childrenOf(connection, { driveId: ref.targetDriveId, itemId: ref.targetItemId }, cursor);
      default:
        return childrenOf(connection, ref, cursor);
    }
  };

  const get = async (connection: Connection, ref: Ref): Promise<Item> => {
    switch (ref.kind) {
      case 'shared-with-me':
        return SHARED_WITH_ME;
      case 'sites':
        return ALL_SITES;
      case 'teams':
        return ALL_TEAMS;
      case 'one-drive':
        return myDrive(connection);
      case 'drive': {
        const address = url`/drives/${ref.driveId}?$select=${DRIVE_FIELDS}`;
        return toDriveItem(parseDrive(await graph.read(connection, address, 'a drive')));
      }
      case 'site':
        return toSiteItem(parseSite(await graph.read(connection, url`/sites/${ref.siteId}`, 'a site')));
      case 'team':
        return toTeamItem(parseTeam(await graph.read(connection, url`/teams/${ref.teamId}`, 'a team')));
      case 'channel': {
        const address = url`/teams/${ref.teamId}/channels/${ref.channelId}`;
        return toChannelItem(parseChannel(await graph.read(connection, address, 'a channel')), ref.teamId);
      }
      default:
        return toItem(await itemOf(connection, ref), { driveId: ref.driveId, shared: ref.kind === 'shared' });
    }
  };

  return {
    definition: microsoft365Definition,
    auth: createMicrosoftAuth(config, graph),
    judge,

    async roots(connection) {
      const [drive, siteList, teamList] = await Promise.all([
        attempt(myDrive(connection)),
        attempt(sites(connection)),
        attempt(teams(connection)),
      ]);
      // Without a licence OneDrive cannot be opened, and personal accounts have neither sites nor teams: the rest is shown.
      if (!drive.value && !isUnavailable(drive.error)) throw drive.error;
      const passing = [siteList, teamList].flatMap(({ error }) => (error && !isUnavailable(error) ? [error] : []));
      const [first, second] = passing;
      if (first && second) throw first;
      if (!drive.value && !siteList.value && !teamList.value) throw drive.error;
      return [
        ...(drive.value ? [drive.value, SHARED_WITH_ME] : [noOneDrive(drive.error.message)]),
        ...shownOf(siteList, ALL_SITES),
        ...shownOf(teamList, ALL_TEAMS),
      ];
    },

    list,

    search: createSearch(graph, get),

    get: async (connection, text) => get(connection, parseRef(text)),

    changes: createGraphChanges(graph),
    webhooks: createGraphWebhooks(graph),

    async open(connection, text, { signal, hint }) {
      try {
        return await open(connection, parseRef(text), signal, hint);
      } catch (error) {
        throw signal.aborted ? signal.reason : toProviderError(error);
      }
    },
  };

  async function open(connection: Connection, ref: Ref, signal: AbortSignal, hint?: string): Promise<OpenedFile> {
    if (ref.kind !== 'item' && ref.kind !== 'shared' && ref.kind !== 'link') throw notAFile();
    const at = ref.kind === 'link' ? { driveId: ref.targetDriveId, itemId: ref.targetItemId } : ref;
    const file = (ref.kind === 'item' && fromHint(ref.itemId, hint)) || (await itemOf(connection, at, { signal }));
    if (file.folder && !file.package) throw notAFile();
    const reason = whyNotImportable(file);
    if (reason) throw new ProviderError(file.malware ? 'malware' : 'not_downloadable', 'microsoft', reason);

    const response = await download(connection, url`/drives/${at.driveId}/items/${at.itemId}/content`, signal);
    // SharePoint may write into Office files as they go out, so that what is announced now counts, not what the listing said.
    const announced = response.headers.has('content-encoding') ? null : response.headers.get('content-length');
    const sizeBytes = announced === null || !/^\d+$/.test(announced) ? undefined : Number(announced);
    const isAsListed = sizeBytes === undefined || sizeBytes === (file.size ?? sizeBytes);
    return {
      stream: bodyStream(response.body, signal, toProviderError),
      name: file.name || 'Untitled',
      mediaType: file.file?.mimeType || 'application/octet-stream',
      sizeBytes,
      version: versionOf(file),
      hash: isAsListed ? hashOf(file.file) : undefined,
    };
  }
}

type Attempt<T> = { value: T; error?: undefined } | { value?: undefined; error: ProviderError };

const attempt = <T>(work: Promise<T>): Promise<Attempt<T>> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error: toProviderError(error) }),
  );

/** What a list adds to the roots: its first page; `all` where that is not the whole, or could not be had just now. */
function shownOf(list: Attempt<ItemPage>, all: Item): Item[] {
  if (list.value) return [...list.value.items, ...(list.value.next === undefined ? [] : [all])];
  return isUnavailable(list.error) ? [] : [all];
}

function notAFile(): ProviderError {
  return new ProviderError('not_downloadable', 'microsoft', 'A folder has no content of its own.');
}
