import { expect } from 'chai';
import type { Connection, Item } from '../../providers/provider.ts';
import { describeProvider } from './contract.ts';
import { checkConfluenceExchanges } from './confluence-contract.ts';
import { dock, filesOf, harbour, startVendor, startWorld, type World } from './confluence-world.ts';
import { describeWire, recording, type Exchange } from './exchanges.ts';
import { describeImportListing } from './import-listing-contract.ts';
import { bytesOf, failureOf, walk, type Walked } from './reading.ts';

const exchanges: Exchange[] = [];
const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
const names = (items: Item[]): string[] => items.map(({ name }) => name);

describeProvider('Confluence', () => startVendor(recording(exchanges)));

for (const [form, title, start] of [
  ['api_token', 'Confluence Cloud with an API token', harbour],
  ['personal_access_token', 'a Confluence Data Center', dock],
] as const)
  describe(title, () => {
    const site = start();
    let world: World;
    let connection: Connection;
    let walked: Promise<Walked> | undefined;
    const everything = (): Promise<Walked> => (walked ??= walk(world.provider, connection));
    before(async () => {
      world = await startWorld([site], recording(exchanges));
      connection = await world.connectByToken(form, site);
    });
    after(() => world.close());

    it('shows every file, describes each alike wherever it is met, and gives its bytes', async () => {
      const { roots, folders, files } = await everything();
      expect(names(files).sort()).to.deep.equal(filesOf(site.confluence).sort());
      for (const item of [...roots, ...folders, ...files])
        expect(await world.provider.get(connection, item.ref), item.name).to.deep.equal(item);
      for (const { ref, importable, sizeBytes, name, mediaType } of files.filter((file) => file.importable)) {
        const opened = await world.provider.open(connection, ref, never());
        const bytes = await bytesOf(opened);
        expect([importable, opened.mediaType]).to.deep.equal([true, mediaType]);
        if (sizeBytes !== undefined) expect(bytes.length, name).to.equal(sizeBytes);
      }
    });

    it('names no cloud in refs, and calls those of a consent gone', async () => {
      const { roots } = await everything();
      for (const { ref } of roots) expect(ref).to.match(/^(space|personal)\/-(\/|$)/);
      const foreign = await failureOf(world.provider.get(connection, `page/${site.cloudId}/131073`));
      expect(foreign.kind).to.equal('gone');
    });

    it('finds titles, texts and names of files', async () => {
      const found = await world.provider.search?.(connection, 'chart');
      expect(names(found?.items ?? []).sort()).to.deep.equal(['Chart #1 – 日本.pdf', 'Chart.txt']);
      for (const item of found?.items ?? []) expect(await world.provider.get(connection, item.ref)).to.deep.equal(item);
    });

    it('sends the token to the site alone', async () => {
      await everything();
      const asked = world.sandbox.state.requests.filter(({ authorization }) => authorization !== undefined);
      expect(asked.filter(({ url }) => !url.startsWith(site.url))).to.deep.equal([]);
    });

    describeImportListing(() => ({ provider: world.provider, connection, everything }));
  });

describeWire('Confluence Cloud', exchanges, checkConfluenceExchanges, {
  requests: 500,
  operations: [
    'downloadAttatchment',
    'getAttachmentById',
    'getBlogPostById',
    'getBlogPosts',
    'getBlogpostAttachments',
    'getCurrentUser',
    'getFolderById',
    'getFolderDirectChildren',
    'getPageAttachments',
    'getPageById',
    'getPageDescendants',
    'getPageDirectChildren',
    'getPages',
    'getPagesInSpace',
    'getSpaceById',
    'getSpaces',
    'searchContentByCQL',
  ],
});
