import { verify } from '@node-rs/argon2';
import { expect } from 'chai';
import { migrationSource } from '../../server/database/migrations.ts';
import { migrate } from '../../server/database/open.ts';
import { onEachDatabase } from '../helpers/database.ts';

onEachDatabase('the migration of identities', (open) => {
  it('can be taken back: users without a password stay, with one that nobody knows', async () => {
    const database = await open();
    const { knex } = database;
    await knex('users').insert([
      { email: 'ada@example.com', name: 'Ada', role: 'admin' },
      { email: 'bob@example.com', name: 'Bob', role: 'member', password_hash: 'x' },
    ]);
    const state = {
      session_hash: 'x',
      platform: 'google',
      sealed_verifier: 'x',
      redirect_uri: 'x',
      expires_at: new Date(),
    };
    await knex('oauth_states').insert({ ...state, state_hash: 'x', return_to: '/admin' });
    while (await knex.schema.hasTable('identities')) await knex.migrate.down({ migrationSource });
    const [ada = '', bob] = (await knex('users').orderBy('email').pluck('password_hash')) as string[];
    expect(bob).to.equal('x');
    expect(await verify(ada, '')).to.equal(false);
    expect(await knex('oauth_states').pluck('state_hash')).to.deep.equal([]);
    await migrate(database);
    expect(await knex('users').orderBy('email').pluck('password_hash')).to.deep.equal([ada, 'x']);
    await database.close();
  });
});
