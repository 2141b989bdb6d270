import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import { createRequestCountService } from '../../server/services/request-count-service.ts';
import { deleteIntegration } from '../../server/stores/integration-store.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { connectAccount, createConnections } from '../helpers/connections.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { rotatingProvider, startRotatingVendor, type RotatingVendor } from '../helpers/rotating-vendor.ts';
import { waitFor } from '../helpers/wait.ts';
import { createLogger } from '../../server/logger.ts';

const logger = createLogger({ logLevel: 'silent' });

onEachDatabase('what vendors were asked for', (open) => {
  let database: Database;
  let vendor: RotatingVendor;
  let made: ReturnType<typeof createConnections>;
  let id: string;
  let ask: () => Promise<unknown>;
  beforeEach(async () => {
    database = await open();
    vendor = await startRotatingVendor();
    made = createConnections(database, rotatingProvider(vendor.url), vendor.url, generateFernetKey());
    const integration = await connectAccount(database, made.credentials, vendor.tokens, false);
    id = integration.id;
    ask = () => made.connections.open(integration).fetch(`${vendor.url}/files`);
  });
  afterEach(async () => {
    await made.requestCounts.close();
    await made.egress.close();
    await vendor.close();
    await database.close();
  });

  const total = async (hours = 2) => {
    const rows = await made.requestCounts.lastHours(id, hours);
    const sum = (of: 'requests' | 'throttled' | 'failed' | 'pausedMs') => rows.reduce((all, row) => all + row[of], 0);
    return { requests: sum('requests'), throttled: sum('throttled'), failed: sum('failed'), pausedMs: sum('pausedMs') };
  };

  it('is told apart: answered, throttled and failed ones, each try by itself', async () => {
    vendor.planned.push({ status: 429, headers: { 'retry-after': '1' } }, { status: 500 }, 'reset');
    await ask();
    vendor.planned.push({ status: 403 });
    await ask();
    expect(await total(), 'nothing is written with a request').to.include({ requests: 0 });
    await made.requestCounts.close();
    expect(await total()).to.deep.equal({ requests: 5, throttled: 1, failed: 2, pausedMs: 1000 });
  });

  it('adds up over processes, pauses that overlap in one of them once', async () => {
    const other = createRequestCountService({ database, logger, keepEveryMs: 10 });
    for (let at = 0; at < 5; at++) other.sent(id);
    other.throttled(id, 60_000);
    other.throttled(id, 60_000);
    other.throttled(id, 20_000);
    await waitFor('the other process keeps its counts', async () => (await total()).requests === 5);
    other.sent(id);
    made.requestCounts.sent(id);
    made.requestCounts.failed(id);
    await Promise.all([made.requestCounts.close(), other.close()]);
    const { pausedMs, ...counts } = await total();
    expect(counts).to.deep.equal({ requests: 7, throttled: 3, failed: 1 });
    expect(pausedMs).to.be.within(60_000, 61_000);
  });

  it('is kept the next time where the database could not take it', async () => {
    await database.knex.raw('alter table vendor_requests rename to elsewhere');
    made.requestCounts.sent(id);
    await made.requestCounts.close();
    made.requestCounts.sent(id);
    await database.knex.raw('alter table elsewhere rename to vendor_requests');
    await made.requestCounts.close();
    expect((await total()).requests).to.equal(2);
  });

  it('goes after 30 days, and with its integration, also what was not kept yet', async () => {
    made.requestCounts.sent(id);
    await made.requestCounts.close();
    await database.knex('vendor_requests').insert([
      { integration_id: id, hour: database.knex.raw(`now() - interval '29 days'`), requests: 10 },
      { integration_id: id, hour: database.knex.raw(`now() - interval '31 days'`), requests: 100 },
    ]);
    expect((await total(40 * 24)).requests).to.equal(111);
    await made.requestCounts.prune();
    expect((await total(40 * 24)).requests).to.equal(11);
    expect((await total(2)).requests, 'only the hours asked for').to.equal(1);
    made.requestCounts.sent(id);
    await deleteIntegration(database.knex, id);
    await made.requestCounts.close();
    expect(await database.knex('vendor_requests')).to.deep.equal([]);
  });
});
