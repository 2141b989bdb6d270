import { rm } from 'node:fs/promises';
import { expect } from 'chai';
import type { Connection, Provider } from '../../providers/provider.ts';
import { expandFolder } from '../../server/jobs/expand-folder.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectAccountOf } from '../helpers/connect.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { SERVICES, standIn, type Service } from '../helpers/grants.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';
import { ownSpace, startImport, writeFiles } from './vendors.ts';

const FILES = 14;
const PAGE_SIZE = 3;

/** Requests that go on in a list. */
const GOES_ON: Record<Service, RegExp> = {
  google_drive: /[?&]pageToken=/,
  microsoft: /skiptoken/i,
  dropbox: /list_folder\/continue$/,
};
/** How each vendor says that it no longer knows a place in a list. */
const LOST: Record<Service, { status: number; body: unknown }> = {
  google_drive: {
    status: 400,
    body: { error: { code: 400, message: 'Invalid Value', errors: [{ reason: 'invalid', location: 'pageToken' }] } },
  },
  microsoft: { status: 410, body: { error: { code: 'resyncRequired', message: 'Resync required.' } } },
  dropbox: { status: 409, body: { error_summary: 'reset/..', error: { '.tag': 'reset' } } },
};

/** How each vendor asks for four seconds: Google mostly names no time, and if it does, in words. */
function inFourSeconds(service: Service): { status: number; body: unknown; headers?: Record<string, string> } {
  const message = `User Rate Limit Exceeded. Retry after ${new Date(Date.now() + 4000).toISOString()}`;
  if (service === 'google_drive')
    return { status: 403, body: { error: { code: 403, message, errors: [{ reason: 'userRateLimitExceeded' }] } } };
  if (service === 'dropbox')
    return { status: 429, body: { error_summary: 'too_many_requests/..', error: { retry_after: 4 } } };
  return { status: 429, body: { error: { code: 'activityLimitReached' } }, headers: { 'retry-after': '4' } };
}

/** Microsoft's pages are as long as they are, whatever is wished for: here the address is changed on its way. */
const smallPages = (connection: Connection): Connection => ({
  ...connection,
  fetch: (input, init) =>
    connection.fetch(typeof input === 'string' ? input.replace(/\$top=\d+/, `$top=${PAGE_SIZE}`) : input, init),
});

onEachDatabase('a listing that does not go to plan', (open) => {
  let hub: TestHub;
  let files: Awaited<ReturnType<typeof writeFiles>>;
  before(async () => {
    files = await writeFiles(FILES, ['']);
    hub = await startHub({ database: await open(), filesDir: files.root });
    const { providers } = hub.context;
    for (const [platform, provider] of providers)
      providers.set(platform, {
        ...provider,
        list: (connection, ref, cursor, options) =>
          provider.list(smallPages(connection), ref, cursor, { ...options, pageSize: PAGE_SIZE }),
      });
  });
  after(async () => {
    await hub.close();
    await rm(files.root, { recursive: true });
  });
  afterEach(async () => {
    for (const { id } of await hub.context.integrations.list(hub.admin))
      await hub.context.integrations.disconnect(hub.admin, id, { documents: 'delete' });
  });

  const importAll = async (integration: Integration): Promise<ImportDetail> =>
    finishedImport(hub, await startImport(hub, integration, await ownSpace(hub, integration)));
  const documents = async () => (await hub.context.documents.list(hub.admin, {})).documents;
  /** Rows of places that could not be listed. */
  const missing = ({ items }: ImportDetail) => items.filter(({ reason }) => /could not be listed/.test(reason ?? ''));

  for (const service of SERVICES)
    describe(`at ${service}`, () => {
      let integration: Integration;
      beforeEach(async () => {
        integration = await connectAccountOf(hub, hub.admin, service);
      });

      /** Answers the third page in this way; after that every one that goes on, until it is told to stop. */
      const failFrom = (answer: { status: number; body: unknown }): { asked: number; stop(): void } => {
        const failing = { asked: 0, stop: () => void (isOn = false) };
        let isOn = true;
        const match = (path: string) => isOn && GOES_ON[service].test(path) && ++failing.asked >= 2;
        standIn(hub, service).failNext(match, answer, 1000);
        return failing;
      };

      it('starts over by itself, and brings each file once, when its place is lost', async () => {
        let asked = 0;
        standIn(hub, service).failNext((path) => GOES_ON[service].test(path) && ++asked === 2, LOST[service]);
        expect((await importAll(integration)).counts).to.include({ total: FILES, indexed: FILES });
        expect(asked, 'the place was lost').to.equal(2);
        expect(await documents()).to.have.length(FILES);
      });

      it('starts over once only, says what is missing, and goes on when it is asked to', async () => {
        const failing = failFrom(LOST[service]);
        const detail = await importAll(integration);
        expect(detail.counts).to.include({ total: 2 * PAGE_SIZE + 1, indexed: 2 * PAGE_SIZE, failed: 1 });
        expect(missing(detail).map(({ reasonCode }) => reasonCode)).to.deep.equal(['cursor_expired']);
        expect(failing.asked).to.be.within(3, 4);
        failing.stop();
        await hub.context.imports.retry(hub.admin, detail.id);
        const counts = { total: FILES, indexed: FILES, failed: 0 };
        expect((await finishedImport(hub, detail.id)).counts).to.include(counts);
      });

      it('takes away nothing that was imported before when it ends on its third page', async () => {
        await importAll(integration);
        const before = (await documents()).map(({ id }) => id).sort();
        const failing = failFrom({ status: 403, body: {} });
        const detail = await importAll(integration);
        failing.stop();
        expect(detail.counts).to.include({ total: 2 * PAGE_SIZE + 1, unchanged: 2 * PAGE_SIZE });
        expect(missing(detail)).to.have.length(1);
        expect((await documents()).map(({ id }) => id).sort()).to.deep.equal(before);
      });

      it('shows a file under its new name after a rename that changes only the case of letters, as the same document', async () => {
        await importAll(integration);
        const [before] = await documents();
        const files = standIn(hub, service).accounts.flatMap(({ spaces }) => spaces.flatMap((space) => space.files));
        const file = files.find(({ name }) => name === before?.title);
        if (!file) throw new Error('the file is not in the account');
        const name = file.name;
        file.name = name.toUpperCase();
        try {
          expect((await importAll(integration)).counts).to.include({ total: FILES, unchanged: FILES });
          expect(await documents()).to.have.length(FILES);
          const after = await hub.context.documents.get(hub.admin, before?.id ?? '');
          expect(after.title).to.equal(name.toUpperCase());
        } finally {
          file.name = name;
        }
      });
    });

  it('is put off with its downloads, not given up, when a vendor asks for a pause of some seconds in its own way', async () => {
    const work = SERVICES.map(async (service) => {
      const integration = await connectAccountOf(hub, hub.admin, service);
      const space = await ownSpace(hub, integration);
      let refusedAt = Infinity;
      const goesOn = (path: string): boolean => {
        if (GOES_ON[service].test(path)) refusedAt = Date.now();
        return refusedAt !== Infinity;
      };
      standIn(hub, service).failNext(goesOn, inFourSeconds(service));
      const detail = await finishedImport(hub, await startImport(hub, integration, space));
      expect(detail.counts, service).to.include({ total: FILES, indexed: FILES });
      expect((detail.finishedAt?.getTime() ?? 0) - refusedAt, service).to.be.at.least(3000);
    });
    await Promise.all(work);
  });

  it('ends when it leads in circles, also in wide ones, and says so', async () => {
    const { providers, database } = hub.context;
    const provider = providers.get('google_drive') ?? expect.fail('no Google Drive');
    let turns = 0;
    const circle: Provider['list'] = async (connection, ref, _cursor, options) => ({
      ...(await provider.list(connection, ref, undefined, options)),
      next: ['a', 'b', 'c'][turns++ % 3],
    });
    providers.set('google_drive', { ...provider, list: circle });
    try {
      const integration = await connectAccountOf(hub, hub.admin, 'google_drive');
      const importId = await startImport(hub, integration, await ownSpace(hub, integration));
      await waitFor('the first attempt to end', () => turns === 4);
      const folderId = String((await database.knex('import_folders').where({ import_id: importId }).pluck('id'))[0]);
      // The queue would come to the last attempt by itself, after some seconds.
      const job = { signal: new AbortController().signal, attempt: 4, lastAttempt: true, stage: () => undefined };
      await expandFolder(hub.context, { importId, folderId }, job);
      expect(turns).to.equal(8);
      const detail = await finishedImport(hub, importId);
      expect(detail.counts).to.include({ total: PAGE_SIZE + 1, indexed: PAGE_SIZE, failed: 1 });
      expect(missing(detail)[0]?.reason).to.match(/same page twice/);
    } finally {
      providers.set('google_drive', provider);
    }
  });
});
