import { expect } from 'chai';
import type { Client } from 'pg';
import type { Database } from '../../server/database/database.ts';
import { noteChange } from '../../server/database/changes.ts';
import { openPostgres } from '../../server/database/open.ts';
import { createLogger } from '../../server/logger.ts';
import { createSignals, watch, type Signals } from '../../server/signals/signals.ts';
import { freshDatabaseEnv, onEachDatabase } from '../helpers/database.ts';
import { waitFor } from '../helpers/wait.ts';

const ID = '11111111-1111-4111-8111-111111111111';
const OTHER = '22222222-2222-4222-8222-222222222222';
const logger = createLogger({ logLevel: 'silent' });

onEachDatabase('signals', (open) => {
  let database: Database;
  let signals: Signals;
  let heard: string[];
  before(async () => {
    database = await open();
    signals = createSignals({ database, logger });
    signals.subscribe('import', undefined, (id) => heard.push(id));
  });
  after(async () => {
    await signals.close();
    await database.close();
  });
  beforeEach(() => {
    heard = [];
  });

  it('tell what a transaction changed once it has committed, each thing once', async () => {
    await database.transaction(async (trx) => {
      noteChange(trx, 'import', ID);
      noteChange(trx, 'import', OTHER);
      noteChange(trx, 'import', ID);
      expect(heard).to.deep.equal([]);
    });
    expect(heard).to.deep.equal([ID, OTHER]);
  });

  it('tell nothing of a transaction that was undone', async () => {
    const undone = database.transaction(async (trx) => {
      noteChange(trx, 'import', ID);
      throw new Error('undone');
    });
    expect(await undone.then(String, String)).to.equal('Error: undone');
    expect(heard).to.deep.equal([]);
  });

  it('are kept for a listener that is busy, and not for one who has heard them', async () => {
    const ear = watch(signals, 'import', ID);
    const left = new AbortController();
    signals.publish('import', ID);
    signals.publish('import', ID);
    await ear.next(left.signal, 60_000);
    const next = ear.next(left.signal, 60_000).then(() => 'heard');
    signals.publish('import', OTHER);
    expect(await Promise.race([next, Promise.resolve('nothing')])).to.equal('nothing');
    left.abort();
    expect(await next).to.equal('heard');
    ear.close();
  });
});

const onPostgres = process.env.TEST_DATABASE_URL ? describe : () => undefined;

onPostgres('signals between processes', function () {
  this.timeout(120_000);
  let fresh: Awaited<ReturnType<typeof freshDatabaseEnv>>;
  let databases: [Database, Database];
  let sender: Signals;
  let receiver: Signals;
  let heard: string[];
  beforeEach(async () => {
    fresh = await freshDatabaseEnv('postgres');
    const url = fresh.env.DATABASE_URL ?? '';
    databases = [openPostgres(url), openPostgres(url)];
    sender = createSignals({ database: databases[0], logger });
    receiver = createSignals({ database: databases[1], logger });
    heard = [];
    receiver.subscribe('import', undefined, (id) => heard.push(id));
  });
  afterEach(async () => {
    await Promise.all([sender.close(), receiver.close()]);
    for (const database of databases) await database.close();
    await fresh.remove();
  });

  /** Both processes hear themselves: what is sent arrives. */
  const bothLive = async () => {
    sender.start();
    receiver.start();
    await waitFor('both lines', () => sender.patienceMs() > 1000 && receiver.patienceMs() > 1000);
  };

  it('go from one to the other, and a crowd of them as few', async () => {
    await bothLive();
    for (let at = 0; at < 200; at++) sender.publish('import', ID);
    sender.publish('import', OTHER);
    await waitFor('the last of them', () => heard.includes(OTHER));
    expect(heard.length).to.be.at.most(3);
    expect(heard).to.include(ID);
  });

  it('go on after the connection broke, and listeners are told to look for what they missed', async () => {
    await bothLive();
    let looks = 0;
    receiver.subscribe('import', ID, () => looks++);
    await databases[0].knex.raw(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'tributary signals' and datname = current_database()`,
    );
    await waitFor('the break to be noticed', () => receiver.patienceMs() === 1000);
    await waitFor('a look after the break', () => looks > 0);
    await waitFor('both lines', () => sender.patienceMs() > 1000 && receiver.patienceMs() > 1000);
    sender.publish('import', OTHER);
    await waitFor('a signal', () => heard.includes(OTHER));
  });

  it('are sent when the connection is there, not before', async () => {
    sender.start();
    sender.publish('import', ID);
    receiver.start();
    await waitFor('the line', () => receiver.patienceMs() > 1000);
    sender.publish('import', OTHER);
    await waitFor('a signal', () => heard.includes(OTHER));
  });

  it('let listeners look more often where notifications do not arrive', async () => {
    // As behind a pooler that lends connections by the transaction: it takes LISTEN and delivers nothing.
    const { connectAlone } = databases[1];
    const deaf = createSignals({
      database: {
        ...databases[1],
        connectAlone: () => {
          const client = connectAlone?.() as Client;
          const on = client.on.bind(client) as (event: string, listener: () => void) => Client;
          client.on = ((event: string, listener: () => void) =>
            event === 'notification' ? client : on(event, listener)) as Client['on'];
          return client;
        },
      },
      logger,
    });
    deaf.start();
    await bothLive();
    expect(deaf.patienceMs()).to.equal(1000);
    await deaf.close();
  });
});
