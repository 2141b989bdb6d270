import { expect } from 'chai';
import type { Platform } from '../../providers/provider.ts';
import { connectAccountOf } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';

const EMAIL = 'tomas.okafor@saltmarsh-ferry.example';
/** Where Tomas' own files are at each service, and whether the service lets a grant be ended. */
const PLACES: { platform: Platform; root: RegExp; revokes: boolean }[] = [
  { platform: 'google_drive', root: /^My Drive$/, revokes: true },
  { platform: 'microsoft', root: /^OneDrive/, revokes: false },
  { platform: 'dropbox', root: /Tomas|Dropbox/, revokes: true },
];

onOneDatabase('each service', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());

  for (const { platform, root, revokes } of PLACES)
    it(`${platform}: connects through its consent page, imports a whole place, finds it again, and disconnects`, async () => {
      const { integrations, browse, imports, documents, search, credentials } = hub.context;
      const integration = await connectAccountOf(hub, hub.admin, platform, { email: EMAIL });
      expect(integration.accountEmail).to.equal(EMAIL);
      expect((await credentials.read(integration.id))?.refreshToken).not.to.equal(undefined);

      const { items } = await browse.list(hub.admin, integration.id, {});
      const place = items.find(({ name }) => root.test(name));
      expect(place, items.map(({ name }) => name).join()).not.to.equal(undefined);
      const { id } = await imports.create(hub.admin, {
        items: [{ integrationId: integration.id, ref: place?.ref ?? '' }],
        category: platform,
      });
      const done = await finishedImport(hub, id, 40_000);
      expect(done.items.filter(({ state }) => state === 'failed')).to.deep.equal([]);
      const byName = new Map(done.items.map((item) => [item.name, item]));
      for (const name of [
        'Hull Survey Notes.md',
        'Thickness Readings.csv',
        'Angebot Nordwind Batterien.pdf',
        'Propeller Tender.xlsx',
      ])
        expect(byName.get(name), name).to.include({ state: 'indexed' });

      const [hit] = await search.search(hub.admin, {
        query: 'Wie lang ist die Lieferzeit der Batterien von Nordwind?',
        category: platform,
      });
      expect(hit).to.include({ title: 'Angebot Nordwind Batterien.pdf', sourceType: platform, page: 2 });
      expect(hit?.text).to.contain('30 Wochen');
      expect(hit?.url).to.match(/^https?:\/\//);

      const outcome = await integrations.disconnect(hub.admin, integration.id, { documents: 'delete' });
      expect(outcome.revoked).to.equal(revokes);
      expect(outcome.manualRevokeUrl === undefined).to.equal(revokes);
      expect(outcome.documents.deleted).to.be.at.least(4);
      expect((await documents.facets(hub.admin)).total).to.equal(0);
      const left: unknown = await hub.context.database
        .knex('vendor_pace')
        .where('key', 'like', 'integration:%')
        .first('key');
      expect(left).to.equal(undefined);
    });
});
