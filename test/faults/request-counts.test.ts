import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import type { ProviderDefinition } from '../../providers/provider.ts';
import { waitFor } from '../helpers/wait.ts';
import { connectAccountOf } from '../helpers/connect.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { ownSpace, startImport, VENDORS, writeFiles } from './vendors.ts';

const FILES = 1000;
const TIMEOUT_MS = 120_000;

/** What the listing of one folder with a thousand files may cost, by the most that each vendor gives on a page. */
const LISTING: Record<string, number> = { google_drive: 1, microsoft: 5, dropbox: 1 };

/** Tokens, and who the account is. */
const isIdentity = (path: string): boolean => /\/token\b|\/get_current_account$|\/userinfo|\/me(\?|$)/.test(path);

describe(`an import of ${FILES} files in one folder`, function () {
  this.timeout(TIMEOUT_MS + 30_000);
  let hub: TestHub;
  let files: Awaited<ReturnType<typeof writeFiles>>;
  const paces = new Map<ProviderDefinition, ProviderDefinition['pace']>();
  before(async () => {
    files = await writeFiles(FILES, ['']);
    hub = await startHub({ filesDir: files.root });
    // How fast is not asked here, and at Microsoft's pace this would take two minutes.
    const unbounded = { perSecond: 10_000, burst: 10_000 };
    for (const definition of hub.context.definitions) {
      paces.set(definition, definition.pace);
      definition.pace = { integration: unbounded, app: unbounded };
    }
  });
  after(async () => {
    for (const [definition, pace] of paces) definition.pace = pace;
    await hub.close();
    await rm(files.root, { recursive: true });
  });

  for (const vendor of VENDORS)
    it(`asks ${vendor.label} once for each file, and ${LISTING[vendor.platform]} × for the list`, async () => {
      const integration = await connectAccountOf(hub, hub.admin, vendor.platform);
      const space = await ownSpace(hub, integration);
      // Taken when the account is connected: a part of getting to know it.
      await waitFor('the place in the changes', async () => {
        const { knex } = hub.context.database;
        return (await knex('change_feeds').where({ integration_id: integration.id }).first('feed')) && true;
      });
      const requests = vendor.requests(hub);
      requests.length = 0;
      const detail = await finishedImport(hub, await startImport(hub, integration, space), TIMEOUT_MS);
      expect(detail.counts).to.include({ total: FILES, indexed: FILES });
      // What a vendor redirects to is on a host of its own, and part of the one download.
      const asked = requests.filter(({ path }) => !path.startsWith('/download.aspx') && !isIdentity(path));
      expect(asked.map(({ path }) => path)).to.have.lengthOf.at.most(FILES + (LISTING[vendor.platform] ?? 0));
    });
});
