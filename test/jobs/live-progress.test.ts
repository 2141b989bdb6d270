import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { expect } from 'chai';
import { parseConfig, type Env } from '../../server/config.ts';
import { openPostgres } from '../../server/database/open.ts';
import { startHub as start, type Hub } from '../../server/hub.ts';
import { createLogger } from '../../server/logger.ts';
import type { ImportDetail } from '../../server/services/import-service.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { ownSpace, startImport } from '../faults/vendors.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { freshDatabaseEnv, openTestDatabase } from '../helpers/database.ts';
import { readEvents, type EventReader } from '../helpers/event-reader.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { startSlowVendor, type SlowVendor } from '../helpers/slow-vendor.ts';
import { finishedImport } from '../helpers/imports.ts';
import { signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

const FILES = 6;
const CONCURRENCY = 3;
/** How long what ends an import may take to be felt at the vendor. */
const CUT_MS = 2000;

/** One process that does everything; and pages in one process, work in another. */
const setups = ['one process', ...(process.env.TEST_DATABASE_URL ? ['two processes'] : [])];

for (const setup of setups)
  describe(`an import at a vendor that sends slowly, in ${setup}`, function () {
    this.timeout(120_000);
    let vendor: SlowVendor;
    let folder: string;
    let hub: TestHub;
    let worker: Hub | undefined;
    let remove: (() => Promise<void>) | undefined;
    let importId: string;
    let readers: EventReader[];

    beforeEach(async () => {
      readers = [];
      folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-slow-'));
      for (let at = 0; at < FILES; at++)
        await writeFile(path.join(folder, `log ${at}.txt`), `The log number ${at} tells of the tide. `.repeat(100));
      vendor = await startSlowVendor();
      await (setup === 'one process' ? startOne() : startTwo());
      vendor.start(hub.sandbox.google.url);
      const integration = await connectGoogle(hub, hub.admin);
      importId = await startImport(hub, integration, await ownSpace(hub, integration));
      await waitFor('all downloads that may begin', () => vendor.sending().length === CONCURRENCY);
    });
    afterEach(async () => {
      for (const reader of readers) reader.close();
      await worker?.close();
      await hub.close();
      await vendor.close();
      await remove?.();
      await rm(folder, { recursive: true });
    });

    const env = (): Env => ({ GOOGLE_API_URL: vendor.url, IMPORT_CONCURRENCY: String(CONCURRENCY) });

    async function startOne(): Promise<void> {
      hub = await startHub({ database: await openTestDatabase(), filesDir: folder, env: env() });
    }

    async function startTwo(): Promise<void> {
      const fresh = await freshDatabaseEnv('postgres');
      remove = fresh.remove;
      const shared: Env = {
        ...env(),
        ...fresh.env,
        INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
        SESSION_SECRET: 'a secret of both processes',
      };
      const database = openPostgres(fresh.env.DATABASE_URL ?? '');
      hub = await startHub({ database, filesDir: folder, env: { ...shared, ROLE: 'web' } });
      const config = parseConfig({ NODE_ENV: 'test', ...hub.sandbox.env, ...shared, ROLE: 'worker' });
      const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
      worker = await start(config, { logger: createLogger(config, silent) });
    }

    async function follow(lastEventId?: string): Promise<EventReader> {
      const authorization = `Bearer ${await hub.token(hub.admin)}`;
      const reader = await readEvents(`${hub.url}/api/v1/imports/${importId}/events`, {
        authorization,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      });
      readers.push(reader);
      return reader;
    }

    const detail = (): Promise<ImportDetail> => hub.context.imports.get(hub.admin, importId);
    const stateOf = async (count: number, state: 'indexed') =>
      waitFor(`${count} ${state}`, async () => (await detail()).counts[state] >= count);

    it('tells what is in work, by stage and by name', async () => {
      const progress = await waitFor('all that is in work', async () => {
        const found = (await detail()).progress;
        return found?.stages.downloading === CONCURRENCY && found;
      });
      expect(progress.current).to.have.length(CONCURRENCY);
      for (const { name, stage } of progress.current) {
        expect(name).to.match(/^log \d\.txt$/);
        expect(stage).to.equal('downloading');
      }
      expect(progress).to.include({ ratePerMinute: 0, etaSeconds: null });
      expect(progress.throttledUntil).to.equal(undefined);
      const reader = await follow();
      await reader.next('work in the events', ({ data }) => data.progress?.current.length === CONCURRENCY);
      vendor.letGo(1);
      const going = await waitFor('a pace', async () => {
        const found = (await detail()).progress;
        return found && found.ratePerMinute > 0 && found;
      });
      expect(going.bytesPerSecond).to.be.greaterThan(0);
      expect(going.etaSeconds).to.be.greaterThan(0);
      vendor.letGo();
      const done = await finishedImport(hub, importId);
      expect(done.progress).to.equal(undefined);
      expect(done.counts).to.include({ indexed: FILES });
    });

    it('shows what is in work and the pause that a vendor asks for on a page without JavaScript', async () => {
      const { governor, integrations, definitions } = hub.context;
      const [integration] = await integrations.list(hub.admin);
      const google = definitions.find(({ id }) => id === 'google_drive');
      if (!integration || !google) throw new Error('nothing is connected');
      await waitFor('what is in work', async () => (await detail()).progress?.stages.downloading === CONCURRENCY);
      const visitor = await signInAs(hub.url, 'admin@example.com');
      const running = (await visitor.get(`/admin/imports/${importId}`)).html;
      expect(running).to.contain('http-equiv="refresh"');
      expect(running).to.match(/data-import-stages>3 downloading</);
      expect(running).to.match(/data-import-throttle hidden>/);
      await governor.pause(integration, google, { waitMs: 600_000 });
      const paused = await detail();
      expect(paused.progress).to.include({ throttledBy: 'Google Drive', etaSeconds: null });
      const { html } = await visitor.get(`/admin/imports/${importId}`);
      expect(html).to.match(/data-import-throttle>[^]*Google Drive<\/span> asks for a pause/);
      expect(html).to.contain(`datetime="${paused.progress?.throttledUntil?.toISOString()}"`);
    });

    it('tells changes within a second, and after a break exactly what was missed', async () => {
      const reader = await follow();
      await reader.next('the rows', ({ event }) => event === 'progress');
      vendor.letGo(1);
      await stateOf(1, 'indexed');
      const last = await reader.next('the indexed file', ({ data }) => data.status === 'indexed', 1000);
      reader.close();
      const seen = reader.items().map(({ id }) => Number(id));
      expect(seen).to.deep.equal([...seen].sort((a, b) => a - b));

      vendor.letGo();
      await finishedImport(hub, importId);
      const missed = (await hub.context.database
        .knex('import_items')
        .where({ import_id: importId })
        .where('changed', '>', last.id ?? '')
        .orderBy('changed')
        .pluck('changed')) as string[];
      const again = await follow(last.id);
      const done = await again.next('the end', ({ event }) => event === 'done');
      expect(again.items().map(({ id }) => id)).to.deep.equal(missed);
      expect(again.items().map(({ data }) => data.status)).to.deep.equal(missed.map(() => 'indexed'));
      expect(done.id).to.equal(`${missed.at(-1)}.done`);
    });

    it('tells each row in the order of its changes, to the end', async () => {
      const reader = await follow();
      vendor.letGo();
      await reader.next('the end', ({ event }) => event === 'done', 30_000);
      const ids = reader.items().map(({ id }) => Number(id));
      expect(ids).to.deep.equal([...ids].sort((a, b) => a - b));
      const last = new Map(reader.items().map(({ data }) => [data.name, data.status]));
      expect([...last.values()]).to.deep.equal(Array.from({ length: FILES }, () => 'indexed'));
    });

    it('ends its downloads when it is cancelled, and nothing of it appears later', async () => {
      const reader = await follow();
      await hub.context.imports.cancel(hub.admin, importId);
      await waitFor('the vendor to see its connections closed', () => vendor.cut() === CONCURRENCY, CUT_MS);
      const ended = await detail();
      expect(ended.status).to.equal('cancelled');
      expect(ended.counts).to.include({ total: FILES, skipped: FILES, waiting: 0, running: 0 });
      expect(ended.outcome).to.match(/cancelled/);
      await reader.next('the end', ({ event }) => event === 'done', 2000);
      vendor.letGo();
      await waitFor('the jobs to end', async () => {
        const open = await hub.context.database.knex.raw(
          `select count(*) from pgboss.job where state in ('created', 'retry', 'active') and name = 'import-item'`,
        );
        return (open as { rows: [{ count: string }] }).rows[0].count === '0';
      });
      expect(vendor.sending()).to.deep.equal([]);
      expect((await hub.context.documents.facets(hub.admin)).total).to.equal(0);
      expect((await detail()).counts).to.include({ skipped: FILES });
    });

    it('ends its downloads when the account is disconnected', async () => {
      const [integration] = await hub.context.integrations.list(hub.admin);
      await hub.context.integrations.disconnect(hub.admin, integration?.id ?? '', { documents: 'keep' });
      await waitFor('the vendor to see its connections closed', () => vendor.cut() === CONCURRENCY, CUT_MS);
      expect((await detail()).counts).to.include({ skipped: FILES });
    });
  });
