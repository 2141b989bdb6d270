import { expect } from 'chai';
import { createSite } from '../../providers/atlassian/sandbox-sites.ts';
import type { AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import type { Platform } from '../../providers/provider.ts';
import type { SandboxFile } from '../../providers/sandbox/sandbox-files.ts';
import type { ImportScope, KnownItem } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { ownSpace, VENDORS, type Vendor } from '../faults/vendors.ts';
import { emptySpace, entry } from './followed.ts';
import type { TestHub } from './hub.ts';

/** Documents in the folder that moves as a whole. */
export const IN_YARD = 50;

/** One vendor's account, a part of which is followed, with all that may happen to it. The same steps make the same account at every hub. */
export type SyncWorld = {
  platform: Platform;
  label: string;
  scope: Partial<ImportScope>;
  /** Whether the vendor says what was deleted. Jira has no list of it: only that an issue is no longer listed tells. */
  tellsDeletions: boolean;
  /** Fills the account with `count` items in what is followed, on several levels, and some outside of it. */
  fill: (hub: TestHub, count: number) => void;
  /** What is followed. */
  followed: (hub: TestHub, integration: Integration) => Promise<{ ref: string; known?: KnownItem }>;
  /** One edit, one addition, one deletion, one new name, one move into what is followed, and one out of it. */
  change: (hub: TestHub) => void;
  /** Moves a folder with all that is in it within what is followed; gives what its documents' paths begin with then. Absent: there are none. */
  moveYard?: (hub: TestHub) => string;
  /** Touches a sentence in that many documents, otherwise in each round. */
  edit: (hub: TestHub, documents: number, round?: number) => void;
  /** What is followed is there, with nothing in it. Gives what undoes that, as the next three do. */
  loseAll: (hub: TestHub) => () => void;
  /** The account may no longer see what is followed. */
  loseAccess: (hub: TestHub) => () => void;
  /** The vendor’s list of changes says that everything is gone. Absent: it has no such list. */
  tellLoss?: (hub: TestHub) => () => void;
  requests: (hub: TestHub) => { method: string; path: string }[];
  /** What a request is for: `feed`, `content`, `listing`, … */
  kindOf: (request: { method: string; path: string }) => string;
  /** Makes the next sync list everything, as it does when the vendor no longer knows the place, or once a day. */
  listAnew: (hub: TestHub) => Promise<void>;
  /** A listing that has begun is refused, or goes on with this answer. */
  breakListing: (hub: TestHub, answer?: Answer) => () => void;
};

const DAY_MS = 24 * 3_600_000;
/**
 * When things happen at Jira, whose texts name the moment: the same at every hub, and so far ahead that no search for what was changed lately has
 * passed it.
 */
const HAPPENS = new Date(Date.now() + DAY_MS / 24);
const TIDES = ['spring', 'neap', 'high', 'low', 'slack', 'ebb', 'flood'];

/** A document of sections, each a chunk of its own; the last one has the sentence that edits touch. */
function markdown(name: string, sections: number, edit = 0): string {
  const section = (title: string, at: number): string =>
    `## ${title} of ${name}\n\nThe ${TIDES[at]} tide of ${name} came at ${at} o’clock. The harbour master wrote it down.`;
  return [
    ...['Morning', 'Noon', 'Evening'].slice(0, sections - 1).map(section),
    `## Night of ${name}\n\nNobody saw ${name} at night. The lantern was lit ${edit} times.`,
  ].join('\n\n');
}

const FEEDS: Partial<Record<Platform, RegExp>> = {
  google_drive: /\/changes\?/,
  microsoft: /\/delta/,
  dropbox: /list_folder\/continue/,
};
const LISTINGS: Partial<Record<Platform, RegExp>> = {
  google_drive: /\/files\?/,
  microsoft: /\/children/,
  dropbox: /list_folder$/,
};
type Answer = { status: number; body: unknown };
/** What says it is too much would be waited for: this one is final. */
const REFUSED: Answer = { status: 403, body: {} };

type Steered = { failNext: (match: (path: string) => boolean, answer: Answer, times: number) => void };

/** The first of these requests is answered, and none after it. Gives what ends that. */
function refuseAfterFirst(state: Steered, isMeant: (path: string) => boolean, answer = REFUSED): () => void {
  let asked = 0;
  let isOn = true;
  state.failNext((path) => isOn && isMeant(path) && ++asked > 1, answer, 1000);
  return () => void (isOn = false);
}

/** Takes the others away. Gives what puts them back. */
function keepOnly<T>(list: T[], isKept: (one: T) => boolean): () => void {
  const before = [...list];
  list.splice(0, Infinity, ...before.filter(isKept));
  return () => void list.splice(0, Infinity, ...before);
}

/** A followed folder with a thousand files in folders three levels deep. At Google each is of four chunks, elsewhere of one, which takes less time. */
function fileWorld(vendor: Vendor): SyncWorld {
  const { platform, label } = vendor;
  const sections = platform === 'google_drive' ? 4 : 1;
  let files: SandboxFile[] = [];
  const find = (name: string): SandboxFile =>
    files.find((file) => file.name === name) ?? expect.fail(`there is no ${name}`);
  const change = (name: string, to: Partial<SandboxFile>): void =>
    void files.splice(files.indexOf(find(name)), 1, { ...find(name), ...to });
  const document = (at: number | string, parentId: string, edit?: number): SandboxFile =>
    entry(`log ${at}.md`, parentId, markdown(`log ${at}`, sections, edit));
  const filesOf = (hub: TestHub): SandboxFile[] => (files = vendor.accounts(hub)[0]?.spaces[0]?.files ?? []);

  return {
    platform,
    label,
    scope: {},
    tellsDeletions: true,
    requests: (hub) => vendor.requests(hub),
    kindOf: ({ path }) => {
      if (FEEDS[platform]?.test(path)) return 'feed';
      if (LISTINGS[platform]?.test(path)) return 'listing';
      // Graph redirects to a host of its own.
      if (/download\.aspx/.test(path)) return 'content (redirected)';
      return /alt=media|\/content|files\/download/.test(path) ? 'content' : path;
    },

    fill(hub, count) {
      files = emptySpace(hub, vendor);
      const [followed, other] = [entry('Followed', null), entry('Other', null)];
      const piers = ['North', 'South', 'West'].map((name) => entry(`Pier ${name}`, followed.id));
      const years = piers.flatMap(({ id, name }) => [2024, 2025].map((year) => entry(`${name} ${year}`, id)));
      const yard = entry('Yard', followed.id);
      const sheds = ['Shed 1', 'Shed 2'].map((name) => entry(name, yard.id));
      const places = [followed, ...piers, ...years];
      files.push(followed, other, ...piers, ...years, yard, ...sheds);
      for (let at = 0; at < count; at += 1) {
        const shed = at < IN_YARD ? sheds[at % 2] : undefined;
        // Half of them in one folder.
        files.push(document(at, (shed ?? places[at % 2 === 0 ? 0 : at % places.length] ?? followed).id));
      }
      for (const name of ['outside', 'moves in']) files.push(document(name, other.id));
    },

    async followed(hub, integration) {
      const { ref } = await ownSpace(hub, integration);
      const { items } = await hub.context.browse.list(hub.admin, integration.id, { ref });
      const folder = items.find(({ name }) => name === 'Followed') ?? expect.fail('the folder is not listed');
      return { ref: folder.ref, known: { name: 'Followed', kind: 'folder', path: 'Followed' } };
    },

    change(hub) {
      filesOf(hub);
      files.splice(files.indexOf(find('log 101.md')), 1, document(101, find('log 101.md').parentId ?? '', 1));
      files.push(document('added', find('Pier North 2024').id));
      files.splice(files.indexOf(find('log 102.md')), 1);
      change('log 103.md', { name: 'renamed.md', version: '9001' });
      change('log moves in.md', { parentId: find('Pier South').id, version: '9002' });
      change('log 104.md', { parentId: find('Other').id, version: '9003' });
    },

    moveYard(hub) {
      filesOf(hub);
      change('Yard', { parentId: find('Pier West 2025').id, name: 'Shipyard', version: '9004' });
      return 'Followed/Pier West/Pier West 2025/Shipyard/';
    },

    edit(hub, documents, round = 1) {
      filesOf(hub);
      for (let at = 110; at < 110 + documents; at += 1) {
        const { parentId } = find(`log ${at}.md`);
        files.splice(files.indexOf(find(`log ${at}.md`)), 1, document(at, parentId ?? '', round));
      }
    },

    loseAll: (hub) => keepOnly(filesOf(hub), ({ name }) => name === 'Followed'),
    loseAccess: (hub) => keepOnly(filesOf(hub), () => false),
    tellLoss: (hub) => keepOnly(filesOf(hub), () => false),

    async listAnew({ context }) {
      await context.database.knex('change_feeds').update({ cursor: vendor.lostCursor });
    },

    breakListing(hub, answer) {
      const { state } = {
        google_drive: hub.sandbox.google,
        microsoft: hub.sandbox.microsoft,
        dropbox: hub.sandbox.dropbox,
      }[platform as 'google_drive' | 'microsoft' | 'dropbox'];
      return refuseAfterFirst(state, (path) => LISTINGS[platform]?.test(path) === true, answer);
    },
  };
}

/** In place of what the only site held. */
function emptySite(hub: TestHub): AtlassianSite {
  const [site, ...others] = hub.sandbox.atlassian.state.sites;
  if (!site) throw new Error('there is no site');
  for (const { members } of others) members.clear();
  const { confluence, jira } = createSite({ name: 'proof', people: site.confluence?.people ?? [] });
  return Object.assign(site, { confluence, jira });
}
const siteOf = (hub: TestHub): AtlassianSite => hub.sandbox.atlassian.state.sites[0] ?? expect.fail('there is no site');

/** Atlassian’s files are on a host of their own. */
const MEDIA = /^\/file\/[^/]+\/binary/;

const requestsOf: SyncWorld['requests'] = ({ sandbox }) => sandbox.atlassian.state.requests;

/** As if the last listing of everything was more than a day ago. */
const letADayPass: SyncWorld['listAnew'] = async ({ context: { database } }) => {
  const { cursor } = (await database.knex('change_feeds').first('cursor')) as { cursor: string };
  const place = JSON.parse(cursor) as { listedAt: number };
  const listedAt = place.listedAt - DAY_MS - 1;
  await database.knex('change_feeds').update({ cursor: JSON.stringify({ ...place, listedAt }) });
};

/** A followed space of a thousand pages and attachments, five levels deep. */
function confluenceWorld(): SyncWorld {
  const wikiOf = (hub: TestHub) => siteOf(hub).confluence ?? expect.fail('the site has no Confluence');
  const spaceOf = (hub: TestHub, key: string) =>
    wikiOf(hub).spaces.find((space) => space.key === key) ?? expect.fail(`no ${key}`);
  const LISTING = /\/spaces\/\d+\/pages/;
  const HANGING = /cql=type\+in\+\(attachment,\+comment\)\+and\+space/;
  return {
    platform: 'confluence',
    label: 'Confluence',
    scope: { includeAttachments: true },
    tellsDeletions: true,
    requests: requestsOf,
    listAnew: letADayPass,
    // The pages have come; what hangs on them has not.
    breakListing: (hub, answer) =>
      refuseAfterFirst(
        hub.sandbox.atlassian.state,
        (path) => LISTING.test(path) || HANGING.test(decodeURIComponent(path)),
        answer,
      ),
    kindOf: ({ path }) => {
      const place = decodeURIComponent(path);
      if (/lastmodified/.test(place)) return 'feed';
      if (/search\?cql=id/.test(place)) return 'labels, together';
      if (LISTING.test(place)) return 'listing';
      if (/status=trashed/.test(place)) return 'bin';
      if (/[?&]id=/.test(place)) return /body-format/.test(place) ? 'pages, together' : 'what holds them, together';
      if (MEDIA.test(place)) return 'content (redirected)';
      if (/download/.test(place)) return 'content';
      return place.replace(/^\/ex\/\w+\/[^/]+/, '').replace(/=.*/, '=…');
    },

    fill(hub, count) {
      emptySite(hub);
      const wiki = wikiOf(hub);
      const space = wiki.addSpace({ key: 'PIER', name: 'Pier', pages: count - IN_YARD - 3 });
      wiki.addSpace({ key: 'OTHER', name: 'Other', pages: 5 });
      const yard = wiki.add({ space, title: 'Yard', parent: wiki.find('Pier home'), body: '<p>The yard.</p>' });
      for (let at = 1; at <= IN_YARD; at += 1)
        wiki.add({ space, title: `Shed ${at}`, parent: yard, body: `<p>Words of the shed ${at}.</p>` });
      for (const title of ['Shed 1', 'Pier page 20'])
        wiki.attach({
          container: wiki.find(title),
          title: 'chart.txt',
          mediaType: 'text/plain',
          content: `For ${title}.`,
        });
    },

    followed: async (hub) => ({ ref: `space/${siteOf(hub).cloudId}/${spaceOf(hub, 'PIER').id}` }),

    change(hub) {
      const wiki = wikiOf(hub);
      // These have no sub-pages: which of those are gone or out of reach is found by the listing of the day.
      wiki.edit(wiki.find('Pier page 131'), { body: '<p>Words that were written anew.</p>' });
      wiki.add({
        space: spaceOf(hub, 'PIER'),
        title: 'Added',
        parent: wiki.find('Pier page 20'),
        body: '<p>Of winter lights.</p>',
        createdAt: new Date(),
      });
      wiki.find('Pier page 132').status = 'trashed';
      wiki.edit(wiki.find('Pier page 133'), { title: 'Renamed' });
      const [inwards, outwards] = [wiki.find('Other page 5'), wiki.find('Pier page 134')];
      Object.assign(inwards, { space: spaceOf(hub, 'PIER'), parent: wiki.find('Pier page 20') });
      Object.assign(outwards, { space: spaceOf(hub, 'OTHER'), parent: wiki.find('Other home') });
      for (const moved of [inwards, outwards]) wiki.edit(moved, { message: 'moved' });
    },

    moveYard(hub) {
      const wiki = wikiOf(hub);
      const yard = wiki.find('Yard');
      yard.parent = wiki.find('Pier page 10');
      wiki.edit(yard, { title: 'Shipyard', message: 'moved' });
      return 'Pier/Pier home/Pier page 2/Pier page 10/Shipyard/';
    },

    edit(hub, documents, round = 1) {
      const wiki = wikiOf(hub);
      for (let at = 1; at <= documents; at += 1)
        wiki.edit(wiki.find(`Shed ${at}`), { body: `<p>Words of the shed ${at}, with ${round} more.</p>` });
    },

    loseAll(hub) {
      const wiki = wikiOf(hub);
      const undo = [
        keepOnly(wiki.contents, ({ space }) => space.key !== 'PIER'),
        keepOnly(wiki.attachments, () => false),
      ];
      return () => undo.forEach((one) => one());
    },
    loseAccess(hub) {
      const space = spaceOf(hub, 'PIER');
      space.members = new Set();
      return () => void delete space.members;
    },
    tellLoss(hub) {
      const wiki = wikiOf(hub);
      const pages = wiki.contents.filter(({ space }) => space.key === 'PIER');
      const set = (status: 'trashed' | 'current'): void => pages.forEach((page) => void (page.status = status));
      set('trashed');
      // The bin is looked into where something else happened.
      wiki.edit(wiki.find('Other page 5'), { message: 'touched' });
      return () => set('current');
    },
  };
}

/** A followed project of a thousand issues and attachments. */
function jiraWorld(): SyncWorld {
  const jiraOf = (hub: TestHub) => siteOf(hub).jira ?? expect.fail('the site has no Jira');
  const SEARCH = /\/search\/jql/;
  const EPOCH = new Date('2026-01-05T09:00:00Z');
  const attach = (hub: TestHub, key: string): void =>
    void jiraOf(hub).addAttachment(jiraOf(hub).issue(key), {
      filename: 'chart.txt',
      mimeType: 'text/plain',
      bytes: Buffer.from(`A chart for ${key}.`),
      created: EPOCH,
    });
  const edit = (hub: TestHub, key: string, to: { summary: string }): void =>
    void Object.assign(jiraOf(hub).issue(key), { ...to, updated: HAPPENS });
  return {
    platform: 'jira',
    label: 'Jira',
    scope: { includeAttachments: true },
    tellsDeletions: false,
    requests: requestsOf,
    listAnew: letADayPass,
    breakListing(hub, answer) {
      jiraOf(hub).largestPages.fields = 30;
      return refuseAfterFirst(hub.sandbox.atlassian.state, (path) => SEARCH.test(path), answer);
    },
    kindOf: ({ path }) => {
      if (SEARCH.test(path)) return 'search';
      if (MEDIA.test(path)) return 'content (redirected)';
      return /attachment\/content/.test(path) ? 'content' : path.replace(/^\/ex\/\w+\/[^/]+/, '').replace(/=.*/, '=…');
    },

    fill(hub, count) {
      emptySite(hub);
      const jira = jiraOf(hub);
      jira.addProject({ key: 'PIER', name: 'Pier', issues: count - 3 });
      jira.addProject({ key: 'OTHER', name: 'Other', issues: 5 });
      for (const key of ['PIER-7', 'PIER-8', 'PIER-14', 'OTHER-2']) attach(hub, key);
    },

    async followed(hub) {
      const project = jiraOf(hub).projects.find(({ key }) => key === 'PIER') ?? expect.fail('no project');
      return { ref: `project/${siteOf(hub).cloudId}/${project.id}` };
    },

    change(hub) {
      const jira = jiraOf(hub);
      jira.issue('PIER-11').priority = 'High';
      edit(hub, 'PIER-11', jira.issue('PIER-11'));
      jira.addIssue('PIER', { summary: 'Added', description: 'Of winter lights.', created: HAPPENS });
      jira.removeIssue('PIER-12');
      edit(hub, 'PIER-7', { summary: 'Renamed' });
      jira.moveIssue('OTHER-2', 'PIER').updated = HAPPENS;
      jira.moveIssue('PIER-14', 'OTHER').updated = HAPPENS;
    },

    edit(hub, documents, round = 1) {
      for (let at = 20; at < 20 + documents; at += 1)
        edit(hub, `PIER-${at}`, { summary: `Issue ${at}, edit ${round}` });
    },

    loseAll: (hub) => keepOnly(jiraOf(hub).issues, ({ project }) => project.key !== 'PIER'),
    loseAccess(hub) {
      const project = jiraOf(hub).projects.find(({ key }) => key === 'PIER') ?? expect.fail('no project');
      project.members = [];
      return () => void delete project.members;
    },
  };
}

/** All five vendors. */
export const SYNC_WORLDS: SyncWorld[] = [...VENDORS.map(fileWorld), confluenceWorld(), jiraWorld()];
