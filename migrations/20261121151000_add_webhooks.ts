import type { Knex } from 'knex';

/** What lets vendors say by themselves that something has changed: the standing orders at them, and what they told. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table user_integrations
      -- the account's owner wants the vendor to call
      add column webhooks boolean not null default false,
      -- when the watches are to be looked at next
      add column watches_due_at timestamptz,
      -- whoever looks at them has until then
      add column watches_claimed_until timestamptz,
      -- why calls could not be ordered: a sentence
      add column webhooks_problem text,
      -- the vendor told of news, and no sync has begun since
      add column news_at timestamptz,
      add column heard_at timestamptz,
      add column heard_count bigint not null default 0;
    -- the integrations whose watches are to be looked at
    create index user_integrations_watches_due_at_idx on user_integrations (watches_due_at) where watches_due_at is not null;
    -- the integrations that have news
    create index user_integrations_news_at_idx on user_integrations (news_at) where news_at is not null;
    -- the accounts that a call names
    create index user_integrations_account_id_idx on user_integrations (platform, account_id);

    create table watches (
      id uuid primary key default gen_random_uuid(),
      integration_id uuid not null references user_integrations on delete cascade,
      feed text not null,
      -- of the order at the vendor; several feeds may be served by one
      watch_id text not null,
      -- where the vendor was told to call
      address text not null,
      -- what ending or prolonging it takes beside the id
      data jsonb not null default '{}',
      -- what the vendor proves itself by
      sealed text not null,
      -- asked: the vendor has not answered yet; none: this feed cannot be watched; ending: still to be ended at the vendor
      state text not null constraint watches_state_check check (state in ('asked', 'standing', 'none', 'ending')),
      made_at timestamptz not null default now(),
      -- when it is to be prolonged, or asked for again
      renew_at timestamptz,
      expires_at timestamptz
    );
    -- the watches of an integration
    create index watches_integration_id_idx on watches (integration_id, feed);

    create table webhook_calls (
      id text primary key,
      heard_at timestamptz not null default now()
    );
    -- calls so old that nobody repeats them
    create index webhook_calls_heard_at_idx on webhook_calls (heard_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table webhook_calls, watches;
    drop index user_integrations_account_id_idx;
    alter table user_integrations drop column webhooks, drop column watches_due_at, drop column watches_claimed_until,
      drop column webhooks_problem, drop column news_at, drop column heard_at, drop column heard_count;
  `);
}
