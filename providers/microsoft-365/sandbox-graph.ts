import { createHash } from 'node:crypto';
import express, { type Request, type Response, type Router } from 'express';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import type { Grant, TokenMint } from '../sandbox/token-mint.ts';
import type { Bell } from '../sandbox/bell.ts';
import { createDriveLogs, createSandboxDelta } from './sandbox-delta.ts';
import { guid, HOST, objectIdOf, tenantIdOf } from './sandbox-ids.ts';
import { badRequest, notFound, Refusal, sendRefusal } from './sandbox-refusal.ts';
import { matcherOf } from './sandbox-search.ts';
import { createSandboxSubscriptions, type SandboxSubscriptions } from './sandbox-subscriptions.ts';
import { driveUrlOf, webUrlOf, type Entry, type SandboxDrive, type SandboxStore, type View } from './sandbox-store.ts';

const PAGE_LIFETIME_MS = 6 * 3_600_000;
const LINK_LIFETIME_MS = 300_000;
const MOST_HITS = 500;

/** Names that `$select` may hold. */
const ITEM_NAMES = new Set(
  (
    'id name size cTag eTag webUrl createdDateTime lastModifiedDateTime createdBy lastModifiedBy description file ' +
    'fileSystemInfo folder package malware deleted root remoteItem parentReference shared sharepointIds specialFolder ' +
    'content.downloadUrl @microsoft.graph.downloadUrl'
  ).split(' '),
);
const DRIVE_NAMES = new Set(
  'id name driveType webUrl owner quota sharePointIds createdDateTime description lastModifiedDateTime'.split(' '),
);
const USER_NAMES = new Set('id displayName mail userPrincipalName givenName surname preferredLanguage'.split(' '));

type Wire = Record<string, unknown>;

/** The parts of Microsoft Graph v1.0 that read, with the vendor's defaults, limits and error bodies. */
export function createSandboxGraph(deps: {
  accounts: SandboxAccount[];
  store: SandboxStore;
  mint: TokenMint;
  grantOf(req: Request): Grant | undefined;
  baseUrl: () => string;
  downloadUrl: () => string;
  clientId: string;
  /** Calls whoever has subscribed. */
  bell: Bell;
}): { router: Router; subscriptions: SandboxSubscriptions } {
  const { store, mint } = deps;

  /** What the account of a request sees, if it has consented to `scope`. */
  const viewOf = (req: Request, scope: string): View => {
    const grant = deps.grantOf(req);
    const account = deps.accounts.find(({ id }) => id === grant?.accountId);
    if (!grant || !account)
      throw new Refusal(401, 'InvalidAuthenticationToken', 'Access token is empty, invalid or has expired.');
    if (!grant.scopes.includes(scope))
      throw scope.includes('ReadBasic')
        ? new Refusal(403, 'Forbidden', `Missing scope permissions on the request. API requires one of '${scope}'.`)
        : new Refusal(403, 'accessDenied', 'Access denied');
    return store.view(account);
  };

  const driveOf = (view: View, id: string): SandboxDrive => {
    const drive = view.drives.get(id);
    if (!drive) throw notFound();
    return drive;
  };

  /** A drive of which only parts are shared has no root for this account. */
  const rootOf = (drive: SandboxDrive): Entry => {
    const root = store.rootOf(drive);
    if (!root) throw new Refusal(403, 'accessDenied', 'The caller does not have permission to perform the action.');
    return root;
  };

  const itemOf = (view: View, req: Request): Entry => {
    const entry = driveOf(view, String(req.params.drive)).entries.get(String(req.params.item));
    if (!entry) throw notFound();
    return entry;
  };

  const myDrive = (view: View): SandboxDrive => {
    if (!view.oneDrive) throw badRequest('Tenant does not have a SPO license.');
    return view.oneDrive;
  };

  const linkTo = (view: View, entry: Entry): string => {
    const tempauth = mint.sign({
      kind: 'page',
      grantId: '',
      accountId: view.account.id,
      scopes: [],
      expiresAt: Date.now() + LINK_LIFETIME_MS,
      data: { driveId: entry.drive.id, itemId: entry.id },
    });
    return `${deps.downloadUrl()}/download.aspx?UniqueId=${guid(entry.id)}&tempauth=${encodeURIComponent(tempauth)}`;
  };

  const wireOf = async (req: Request, view: View, entry: Entry): Promise<Wire> =>
    selected(req, ITEM_NAMES, await store.toWire(view, entry, linkTo(view, entry)));

  const collection = async <T>(
    req: Request,
    res: Response,
    all: T[],
    options: { size: number; toWire: (entry: T) => Wire | Promise<Wire> },
  ): Promise<void> => {
    const size = sizeOf(req, options.size);
    const query = createHash('sha256').update(req.path).digest('hex');
    const token = one(req, '$skiptoken');
    const place = token === undefined ? undefined : mint.verify('page', token)?.data;
    if (token !== undefined && place?.query !== query)
      throw new Refusal(400, 'invalidRequest', 'The value of the $skiptoken is invalid.');
    const from = Number(place?.from ?? 0);
    const value = await Promise.all(all.slice(from, from + size).map(async (entry) => options.toWire(entry)));
    const rest = new URLSearchParams();
    for (const [name, text] of Object.entries(req.query)) if (typeof text === 'string') rest.set(name, text);
    const next = mint.sign({
      kind: 'page',
      grantId: '',
      accountId: '',
      scopes: [],
      expiresAt: Date.now() + PAGE_LIFETIME_MS,
      data: { query, from: String(from + size) },
    });
    rest.set('$skiptoken', next);
    const address = `${deps.baseUrl()}${req.baseUrl}${req.path}?${rest.toString()}`;
    res.json({
      '@odata.context': `${deps.baseUrl()}/v1.0/$metadata#Collection`,
      ...(from + size < all.length ? { '@odata.nextLink': address } : {}),
      value,
    });
  };

  const children = (req: Request, res: Response, view: View, folder: Entry): Promise<void> => {
    allow(req, ['$top', '$select', '$skiptoken']);
    const sorted = store.childrenOf(folder).sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
    return collection(req, res, sorted, { size: 200, toWire: (entry) => wireOf(req, view, entry) });
  };

  const driveWire = (req: Request, view: View, drive: SandboxDrive): Wire => {
    const isSite = drive.type === 'documentLibrary';
    const wire = {
      id: drive.id,
      name: isSite ? 'Documents' : 'OneDrive',
      driveType: drive.type,
      webUrl: driveUrlOf(drive),
      owner: isSite
        ? { group: { displayName: drive.space.name } }
        : { user: { id: objectIdOf(view.account), displayName: view.account.name } },
    };
    const ids = { siteId: guid(`site ${drive.space.id}`), webId: guid(`web ${drive.space.id}`) };
    const siteUrl = `https://${HOST}/sites/${encodeURIComponent(drive.space.name)}`;
    // Given only to those who name it.
    const isNamed = one(req, '$select')?.split(',').includes('sharePointIds');
    return selected(req, DRIVE_NAMES, isNamed && isSite ? { ...wire, sharePointIds: { ...ids, siteUrl } } : wire);
  };

  const me = (req: Request, res: Response): void => {
    const { account } = viewOf(req, 'User.Read');
    allow(req, ['$select']);
    const [givenName = '', ...rest] = account.name.split(' ');
    const user = {
      id: objectIdOf(account),
      displayName: account.name,
      givenName,
      surname: rest.join(' '),
      mail: account.email,
      userPrincipalName: account.email,
    };
    res.json({
      '@odata.context': `${deps.baseUrl()}/v1.0/$metadata#users/$entity`,
      ...selected(req, USER_NAMES, user),
    });
  };

  const content = (req: Request, res: Response): void => {
    const view = viewOf(req, 'Files.Read.All');
    const entry = itemOf(view, req);
    if (!entry.file || entry.isFolder || entry.file.native === 'form' || entry.file.shortcutTo)
      throw new Refusal(400, 'invalidRequest', 'You cannot get content for a folder or a package.');
    if (entry.file.canDownload === false)
      throw new Refusal(403, 'accessDenied', 'Access denied', 'downloadBlockedByPolicy');
    res.redirect(302, linkTo(view, entry));
  };

  const siteWire = ({ id, name }: { id: string; name: string }): Wire => ({
    id,
    name,
    displayName: name,
    webUrl: `https://${HOST}/sites/${encodeURIComponent(name)}`,
    createdDateTime: '2026-01-05T09:00:00Z',
    isPersonalSite: false,
    siteCollection: { hostname: HOST },
  });

  const siteOf = (view: View, req: Request) => {
    const site = view.sites.find(({ id }) => id === req.params.site);
    if (!site) throw notFound();
    return site;
  };

  const listSites = (req: Request, res: Response): Promise<void> => {
    const view = viewOf(req, 'Sites.Read.All');
    allow(req, ['search', '$top', '$skiptoken']);
    const search = one(req, 'search');
    if (!search) throw badRequest('The search parameter is needed.');
    const found = view.sites.filter(({ name }) => search === '*' || name.toLowerCase().includes(search.toLowerCase()));
    return collection(req, res, found, { size: 200, toWire: siteWire });
  };

  const teamsOf = (view: View) => view.sites.flatMap(({ team }) => (team ? [team] : []));
  const teamOf = (view: View, req: Request) => {
    const team = teamsOf(view).find(({ id }) => id === req.params.team);
    if (!team) throw new Refusal(404, 'NotFound', 'No team found with that id.');
    return team;
  };
  const channelOf = (view: View, req: Request) => {
    const { channel } = teamOf(view, req);
    if (channel.id !== req.params.channel) throw new Refusal(404, 'NotFound', 'No channel found with that id.');
    return channel;
  };
  const channelWire = ({ id, name }: { id: string; name: string }): Wire => ({
    id,
    displayName: name,
    membershipType: 'standard',
    createdDateTime: '2026-01-05T09:00:00Z',
    webUrl: `https://teams.example/l/channel/${encodeURIComponent(id)}`,
  });
  const teamWire = ({ id, name }: { id: string; name: string }): Wire => ({ id, displayName: name, description: null });

  const everything = (view: View): Entry[] =>
    [...view.drives.values()]
      .flatMap(({ entries }) => [...entries.values()])
      .filter(({ file }) => file && !file.shortcutTo);

  const searchAll = (req: Request, res: Response): void => {
    const view = viewOf(req, 'Files.Read.All');
    const asked = (req.body as { requests?: unknown[] } | undefined)?.requests?.[0] as
      { entityTypes?: unknown; query?: { queryString?: unknown }; from?: unknown; size?: unknown } | undefined;
    const text = asked?.query?.queryString;
    if (JSON.stringify(asked?.entityTypes) !== '["driveItem"]' || typeof text !== 'string')
      throw badRequest('The request must name driveItem and a queryString.');
    const from = Number(asked?.from ?? 0);
    const size = Number(asked?.size ?? 25);
    if (!(from >= 0) || !(size >= 1) || size > MOST_HITS) throw badRequest('from or size is out of range.');
    const matches = matcherOf(text);
    const found = everything(view).filter(({ name, file }) => matches(`${name} ${file?.text ?? ''}`));
    const hits = found.slice(from, from + size).map((entry, at) => ({
      hitId: entry.id,
      rank: from + at + 1,
      summary: '',
      resource: {
        '@odata.type': '#microsoft.graph.driveItem',
        id: entry.id,
        name: entry.name,
        size: entry.file?.sizeBytes ?? 0,
        webUrl: webUrlOf(entry),
        parentReference: { driveId: entry.drive.id, ...(entry.parentId ? { id: entry.parentId } : {}) },
      },
    }));
    const container = { hits, total: found.length, moreResultsAvailable: from + size < found.length };
    res.json({ value: [{ searchTerms: text.split(' '), hitsContainers: [container] }] });
  };

  const searchOneDrive = (req: Request, res: Response): Promise<void> => {
    const view = viewOf(req, 'Files.Read.All');
    allow(req, ['$top', '$select', '$skiptoken']);
    const words = String(req.params[0] ?? '')
      .replaceAll("''", "'")
      .toLowerCase()
      .split(/\s+/);
    const drive = myDrive(view);
    const found = everything(view).filter((entry) => {
      const text = `${entry.name} ${entry.file?.text ?? ''}`.toLowerCase();
      return entry.drive === drive && words.every((word) => text.includes(word));
    });
    return collection(req, res, found, { size: 200, toWire: (entry) => wireOf(req, view, entry) });
  };

  const files = 'Files.Read.All';
  const logOf = createDriveLogs(({ account }, id) => store.view(account).drives.get(id));
  const delta = createSandboxDelta({ mint, baseUrl: deps.baseUrl, logOf, wireOf });
  const subscriptions = createSandboxSubscriptions({
    ...deps,
    logOf,
    viewOf: (req) => viewOf(req, files),
    wholeDrive: (view, id) => rootOf(driveOf(view, id)).drive,
  });
  const api = express.Router();
  api.get('/me', me);
  api.get('/organization', (req, res) => {
    const { account } = viewOf(req, 'User.Read');
    res.json({ value: [{ id: tenantIdOf(account) }] });
  });
  api.get('/me/drive', (req, res) => {
    const view = viewOf(req, files);
    res.json(driveWire(req, view, myDrive(view)));
  });
  api.get('/me/drive/sharedWithMe', (req, res) => {
    const view = viewOf(req, files);
    return collection(req, res, view.shared, { size: 200, toWire: (entry) => store.toSharedWire(view, entry) });
  });
  api.get(/^\/me\/drive\/root\/search\(q='(.*)'\)$/, searchOneDrive);
  api.get('/drives/:drive', (req, res) => {
    const view = viewOf(req, files);
    const drive = driveOf(view, req.params.drive);
    rootOf(drive);
    res.json(driveWire(req, view, drive));
  });
  api.get('/drives/:drive/root', async (req, res) => {
    const view = viewOf(req, files);
    res.json(await wireOf(req, view, rootOf(driveOf(view, req.params.drive))));
  });
  api.get('/drives/:drive/root/delta', (req, res) => {
    const view = viewOf(req, files);
    allow(req, ['token', '$select']);
    const drive = driveOf(view, req.params.drive);
    rootOf(drive);
    return delta(req, res, view, drive);
  });
  api.get('/drives/:drive/root/children', (req, res) => {
    const view = viewOf(req, files);
    return children(req, res, view, rootOf(driveOf(view, req.params.drive)));
  });
  api.get('/drives/:drive/items/:item', async (req, res) => {
    const view = viewOf(req, files);
    allow(req, ['$select']);
    res.json(await wireOf(req, view, itemOf(view, req)));
  });
  api.get('/drives/:drive/items/:item/children', (req, res) => {
    const view = viewOf(req, files);
    return children(req, res, view, itemOf(view, req));
  });
  api.get('/drives/:drive/items/:item/content', content);
  api.get('/sites', listSites);
  api.get('/sites/:site', (req, res) => void res.json(siteWire(siteOf(viewOf(req, 'Sites.Read.All'), req))));
  api.get('/sites/:site/drives', (req, res) => {
    const view = viewOf(req, 'Sites.Read.All');
    allow(req, ['$select', '$top', '$skiptoken']);
    const { drive } = siteOf(view, req);
    return collection(req, res, [drive], { size: 200, toWire: (entry) => driveWire(req, view, entry) });
  });
  api.get('/me/joinedTeams', (req, res) => {
    const view = viewOf(req, 'Team.ReadBasic.All');
    allow(req, []);
    return collection(req, res, teamsOf(view), { size: 999, toWire: teamWire });
  });
  api.get('/teams/:team', (req, res) => void res.json(teamWire(teamOf(viewOf(req, 'Team.ReadBasic.All'), req))));
  api.get('/teams/:team/channels', (req, res) => {
    const { channel } = teamOf(viewOf(req, 'Channel.ReadBasic.All'), req);
    return collection(req, res, [channel], { size: 999, toWire: channelWire });
  });
  api.get(
    '/teams/:team/channels/:channel',
    (req, res) => void res.json(channelWire(channelOf(viewOf(req, 'Channel.ReadBasic.All'), req))),
  );
  api.get('/teams/:team/channels/:channel/filesFolder', async (req, res) => {
    const view = viewOf(req, files);
    res.json(await store.toWire(view, channelOf(view, req).folder));
  });
  api.post('/search/query', express.json(), searchAll);
  api.use(subscriptions.router);

  const router = express.Router();
  router.use('/v1.0', api);
  router.use((error: unknown, _req: Request, res: Response, next: (error: unknown) => void) => {
    if (error instanceof Refusal) sendRefusal(res, error);
    else next(error);
  });
  return { router, subscriptions };
}

function one(req: Request, name: string): string | undefined {
  const value = req.query[name];
  if (value === undefined || typeof value === 'string') return value;
  throw badRequest(`Query option '${name}' was specified more than once, but it must be specified at most once.`);
}

function allow(req: Request, names: string[]): void {
  const other = Object.keys(req.query).find((name) => !names.includes(name));
  if (other !== undefined) throw badRequest(`Query option '${other}' is not allowed here.`);
}

function sizeOf(req: Request, usual: number): number {
  const text = one(req, '$top');
  if (text === undefined) return usual;
  const size = Number(text);
  if (!/^\d+$/.test(text) || size < 1 || size > 999)
    throw badRequest(`The limit of '999' for Top query has been exceeded.`);
  return size;
}

/** Only what `$select` names; it also drops the download address, unless that is named. */
function selected(req: Request, known: Set<string>, wire: Wire): Wire {
  const select = one(req, '$select');
  if (select === undefined) return wire;
  const names = select.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !known.has(name));
  if (unknown !== undefined) throw badRequest(`Could not find a property named '${unknown}'.`);
  const wanted = names.map((name) => (name === 'content.downloadUrl' ? '@microsoft.graph.downloadUrl' : name));
  return Object.fromEntries(wanted.flatMap((name) => (wire[name] === undefined ? [] : [[name, wire[name]]])));
}
