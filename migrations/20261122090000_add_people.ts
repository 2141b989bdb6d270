import type { Knex } from 'knex';

/** Where people are signed in, and whom admins have asked to come. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table users add column last_sign_in_at timestamptz;

    -- a session counts as signed in only while its row is here, wherever sessions are kept
    create table sign_ins (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users on delete cascade,
      started_at timestamptz not null default now(),
      seen_at timestamptz not null default now(),
      address text,
      user_agent text
    );
    -- a user's own, and the end of all of them
    create index sign_ins_user_id_idx on sign_ins (user_id, seen_at desc);
    -- pruning of those nobody came back to
    create index sign_ins_seen_at_idx on sign_ins (seen_at);

    -- sessions of the database stay signed in
    with known as materialized (
      select sid, user_id, gen_random_uuid() as id from sessions where user_id is not null and expires_at > now()
    ), made as (
      insert into sign_ins (id, user_id) select id, user_id from known
    )
    update sessions set sess = sess || jsonb_build_object('signInId', known.id) from known where known.sid = sessions.sid;

    create table invitations (
      id uuid primary key default gen_random_uuid(),
      email text not null,
      role text not null constraint invitations_role_check check (role in ('admin', 'member')),
      token_hash text not null constraint invitations_token_hash_key unique,
      invited_by uuid references users on delete set null,
      created_at timestamptz not null default now(),
      expires_at timestamptz not null
    );
    -- one for each address: a new one takes the place of the one before
    create unique index invitations_email_key on invitations (lower(email));
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table invitations, sign_ins;
    alter table users drop column last_sign_in_at;
  `);
}
