import { expect } from 'chai';
import { migrationSource } from '../../server/database/migrations.ts';
import { migrate } from '../../server/database/open.ts';
import { onEachDatabase } from '../helpers/database.ts';

onEachDatabase('the migrations of people and the audit log', (open) => {
  it('can be taken back, keep users and their sessions, and leave who was signed in so', async () => {
    const database = await open();
    const { knex } = database;
    const config = { migrationSource };
    while (await knex.schema.hasTable('sign_ins')) await knex.migrate.down(config);
    expect(await knex.schema.hasTable('audit_log')).to.equal(false);
    expect(await knex.schema.hasColumn('users', 'last_sign_in_at')).to.equal(false);

    const [{ id }] = (await knex('users')
      .insert({ email: 'ada@example.com', name: 'Ada', password_hash: 'x', role: 'admin' })
      .returning('id')) as [{ id: string }];
    const session = (sid: string, values: object) => ({
      sid,
      sess: JSON.stringify({ basket: [sid] }),
      expires_at: new Date(Date.now() + 3600_000),
      ...values,
    });
    await knex('sessions').insert([
      session('one', { user_id: id }),
      session('two', { user_id: id }),
      session('over', { user_id: id, expires_at: new Date(0) }),
      session('stranger', { user_id: null }),
    ]);
    await migrate(database);
    const rows = (await knex('sessions').orderBy('sid').select('sid', 'sess')) as {
      sid: string;
      sess: { basket: string[]; signInId?: string };
    }[];
    expect(rows.map(({ sess }) => sess.basket[0])).to.deep.equal(['one', 'over', 'stranger', 'two']);
    const signIns = (await knex('sign_ins').select('id', 'user_id')) as { id: string; user_id: string }[];
    expect(signIns.map(({ user_id }) => user_id)).to.deep.equal([id, id]);
    expect(rows.flatMap(({ sess }) => sess.signInId ?? [])).to.have.members(signIns.map((one) => one.id));
    expect(await knex('users').pluck('email')).to.deep.equal(['ada@example.com']);
    await database.close();
  });
});
