import { createSite } from '../../providers/atlassian/sandbox-sites.ts';
import type { AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import { confluenceDefinition, createConfluence } from '../../providers/confluence/index.ts';
import type { ConfluenceState } from '../../providers/confluence/sandbox-state.ts';
import type { Connection, Fetch } from '../../providers/provider.ts';
import { ann, ANN, ben, startAtlassianWorld, vendorOf, type AtlassianWorld } from './atlassian-world.ts';
import type { Vendor } from './contract.ts';

export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/confluence/callback';

export type WikiSite = AtlassianSite & { confluence: ConfluenceState };

export function siteWith(name: string, kind: AtlassianSite['kind'], fill: (wiki: ConfluenceState) => void): WikiSite {
  const site = createSite({ name, kind, people: [ann, ben], products: ['confluence'] });
  const { confluence } = site;
  if (!confluence) throw new Error('The site has no Confluence.');
  fill(confluence);
  return { ...site, confluence };
}

const mention = (id: string): string => `<ac:link><ri:user ri:account-id="${id}" /></ac:link>`;

/** Everything that Confluence can show: folders, what has no content, posts, attachments, comments, and what nobody is to see. */
export function fillHarbour(wiki: ConfluenceState): void {
  const doc = wiki.addSpace({ key: 'DOC', name: 'Documentation', pages: 30 });
  const home = wiki.find('Documentation home');
  const folder = wiki.add({ space: doc, kind: 'folder', title: 'Drawings', parent: home });
  const plan = wiki.add({
    space: doc,
    title: 'Q3 / plan: "Übersicht" 日本 <& more>',
    parent: folder,
    labels: ['pier', 'berths'],
    author: ben,
    body: `<p>A kittiwake sits on the pier, says ${mention(ben.accountId)} &ndash; see <ri:page ri:content-title="Tides" />.</p>`,
  });
  wiki.add({ space: doc, title: 'Below the plan', parent: plan, body: '<p>Deep.</p>', isLive: true });
  const minutes = wiki.add({ space: doc, kind: 'folder', title: 'Minutes' });
  for (let number = 1; number <= 110; number += 1)
    wiki.add({ space: doc, title: `Meeting ${number}`, parent: minutes });
  const board = wiki.add({ space: doc, kind: 'whiteboard', title: 'Sketches', parent: home });
  wiki.add({ space: doc, title: 'Below a whiteboard', parent: board, body: '<p>Here too.</p>' });
  wiki.add({ space: doc, kind: 'database', title: 'Moorings', parent: folder });
  wiki.add({ space: doc, kind: 'embed', title: 'A link elsewhere' });
  wiki.add({ space: doc, title: 'Archived page', status: 'archived' });
  wiki.add({ space: doc, title: 'A draft', status: 'draft' });
  wiki.add({ space: doc, title: 'For Ben alone', restrictedTo: new Set([ben.accountId]) });
  wiki.attach({
    container: plan,
    title: 'Chart #1 – 日本.pdf',
    mediaType: 'application/pdf',
    content: Buffer.alloc(200_000, 'pdf'),
  });
  wiki.attach({ container: plan, title: 'Nothing.txt', mediaType: 'text/plain', content: '' });
  wiki.attach({ container: home, title: 'Chart.txt', mediaType: 'text/plain', content: 'Soundings.' });
  wiki.comment({ container: plan, body: `<p>Agreed, ${mention(ann.accountId)}.</p>`, author: ben });
  wiki.comment({ container: plan, body: '<p>And done.</p>', createdAt: new Date('2026-02-01T10:00:00Z') });
  const post = wiki.add({
    space: doc,
    kind: 'blogpost',
    title: 'News of May',
    body: '<p>Puffins came.</p>',
    labels: ['news'],
  });
  wiki.attach({
    container: post,
    title: 'Puffin.png',
    mediaType: 'image/png',
    content: Buffer.from([137, 80, 78, 71]),
  });
  wiki.comment({ container: post, body: '<p>How nice.</p>' });
  wiki.addSpace({ key: 'EMPTY', name: 'Empty' });
  wiki.addSpace({ key: 'OLD', name: 'Old', status: 'archived', pages: 3 });
  wiki.addSpace({ key: '~ann', name: 'Ann’s own', type: 'personal', owner: ann, pages: 2 });
}

export const harbour = (): WikiSite => siteWith('harbour', 'cloud', fillHarbour);

/** Another site, whose ids are those of the first. */
export const quay = (): WikiSite =>
  siteWith('quay', 'cloud', (wiki) => void wiki.addSpace({ key: 'QUAY', name: 'Quay', pages: 3 }));

/** Pages and posts only: a Data Center has nothing else. */
export const dock = (): WikiSite =>
  siteWith('dock', 'server', (wiki) => {
    fillHarbour(wiki);
    const pages = new Set(wiki.contents.filter(({ kind }) => kind === 'page' || kind === 'blogpost'));
    const known = (content: { parent?: unknown }): boolean => !content.parent || pages.has(content.parent as never);
    for (const content of pages) if (!known(content)) content.parent = content.parent?.parent ?? undefined;
    wiki.contents.splice(0, wiki.contents.length, ...pages);
  });

export type World = AtlassianWorld & {
  /** As the form connects. Errors: those of `connectWithToken`. */
  connectByToken(form: 'api_token' | 'personal_access_token', site: AtlassianSite, email?: string): Promise<Connection>;
};

/** Stand-in, guarded fetch and provider. `through` may watch what the provider fetches. */
export async function startWorld(sites: AtlassianSite[], through?: (fetch: Fetch) => Fetch): Promise<World> {
  const product = { name: 'confluence', definition: confluenceDefinition, create: createConfluence } as const;
  const world = await startAtlassianWorld(product, sites, through);
  const { state } = world.sandbox;
  return {
    ...world,
    connectByToken: (form, { url }, email = ANN) =>
      world.connectTyped(form, {
        baseUrl: url,
        email,
        apiToken: state.apiToken(email),
        personalAccessToken: state.personalToken(email),
      }),
  };
}

/** Names of all files that Ann sees in a Confluence. */
export function filesOf({ contents, attachments, comments }: ConfluenceState): string[] {
  const isSeen = ({ status, restrictedTo, space }: ConfluenceState['contents'][number]): boolean =>
    status === 'current' && !restrictedTo && space.status === 'current';
  const pages = contents.filter(isSeen);
  const commented = new Set(comments.map(({ container }) => container));
  return [
    ...pages.filter(({ kind }) => kind !== 'folder').map(({ title }) => title),
    ...attachments.filter(({ container }) => isSeen(container)).map(({ title }) => title),
    ...[...commented].map(({ title }) => `Comments on ${title}`),
  ];
}

/** The world as the contract suite wants it. */
export async function startVendor(through?: (fetch: Fetch) => Fetch): Promise<Vendor> {
  const site = harbour();
  return {
    ...vendorOf(await startWorld([site], through)),
    redirectUri: REDIRECT_URI,
    files: filesOf(site.confluence),
    search: { query: 'kittiwake', finds: 'Q3 / plan: "Übersicht" 日本 <& more>' },
    goneRef: `page/${site.cloudId}/999999`,
  };
}
