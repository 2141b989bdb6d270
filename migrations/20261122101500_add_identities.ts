import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';

/** Accounts at Google and Atlassian that people sign in with, and users without a password. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- null: signs in by an identity only
    alter table users alter column password_hash drop not null;

    create table identities (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users on delete cascade,
      provider text not null constraint identities_provider_check check (provider in ('google', 'atlassian')),
      -- the vendor's id of the account, which stays when its address changes
      subject text not null,
      -- the address when it was last used; it identifies nobody
      email text,
      created_at timestamptz not null default now(),
      last_used_at timestamptz not null default now(),
      -- kept after that, so that no address brings it back by itself
      unlinked_at timestamptz,
      constraint identities_subject_key unique (provider, subject)
    );
    -- a user's own
    create index identities_user_id_idx on identities (user_id);

    -- null: begun by somebody who is not signed in
    alter table oauth_states alter column user_id drop not null;
    -- the page of the hub to go on to
    alter table oauth_states add column return_to text;
  `);
}

export async function down(knex: Knex): Promise<void> {
  // Of a password that nobody knows.
  const [salt, hash] = [16, 32].map((bytes) => randomBytes(bytes).toString('base64').replace(/=+$/, ''));
  await knex('users')
    .whereNull('password_hash')
    .update({ password_hash: `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${hash}` });
  await knex.raw(`
    delete from oauth_states where user_id is null or return_to is not null;
    alter table oauth_states drop column return_to;
    alter table oauth_states alter column user_id set not null;
    drop table identities;
    alter table users alter column password_hash set not null;
  `);
}
