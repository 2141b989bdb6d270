import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { DataDirInUseError } from '../../server/database/data-dir-lock.ts';
import { migrate, openDatabase } from '../../server/database/open.ts';
import type { Database } from '../../server/database/database.ts';
import { onEachDatabase } from '../helpers/database.ts';

onEachDatabase('the database', (open) => {
  let database: Database;
  before(async () => {
    database = await open();
  });
  after(() => database.close());

  it('has the whole schema, and migrating again changes nothing', async () => {
    expect(await database.knex.schema.hasTable('import_items')).to.equal(true);
    expect(await migrate(database)).to.deep.equal([]);
  });

  it('joins a transaction that is opened inside another, and rolls both back together', async () => {
    const before = await countUsers(database);
    await database
      .transaction(async (trx) => {
        await trx('users').insert(user('outer@example.com'));
        await database.transaction((inner) => inner('users').insert(user('inner@example.com')));
        throw new Error('roll back');
      })
      .catch(() => undefined);
    expect(await countUsers(database)).to.equal(before);
  });

  it('keeps 40 concurrent transactions apart', async () => {
    await database.knex('users').insert(user('counter@example.com', '0'));
    await Promise.all(
      Array.from({ length: 40 }, () =>
        database.transaction(async (trx) => {
          const row = (await trx('users').where({ email: 'counter@example.com' }).forUpdate().first('name')) as {
            name: string;
          };
          await trx('users')
            .where({ email: 'counter@example.com' })
            .update({ name: String(Number(row.name) + 1) });
        }),
      ),
    );
    const row = (await database.knex('users').where({ email: 'counter@example.com' }).first('name')) as {
      name: string;
    };
    expect(row.name).to.equal('40');
  });
});

describe('the embedded database', function () {
  this.timeout(120_000);

  it('keeps its rows over a restart and refuses a second process on the same folder', async () => {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-data-'));
    try {
      const config = { database: { kind: 'embedded' } as const, dataDir };
      const first = await openDatabase(config);
      await migrate(first);
      await first.knex('users').insert(user('kept@example.com'));
      const refused = await openDatabase(config).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(DataDirInUseError);
      await first.close();
      const second = await openDatabase(config);
      expect(await countUsers(second)).to.equal(1);
      await second.close();
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

const user = (email: string, name = 'Ann') => ({ email, name, password_hash: 'x', role: 'member' });

async function countUsers(database: Database): Promise<number> {
  const row = (await database.knex('users').count({ count: '*' }).first()) as { count: string };
  return Number(row.count);
}
