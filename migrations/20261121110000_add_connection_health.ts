import type { Knex } from 'knex';

/** What keeps connections working: a named missing permission, the pace at which each vendor may be asked, the operator's own mistakes. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table user_integrations drop constraint user_integrations_status_check;
    alter table user_integrations add constraint user_integrations_status_check
      check (status in ('active', 'needs_reconnect', 'missing_scope', 'disconnecting'));

    alter table integration_credentials add column refreshed_at timestamptz not null default now();
    -- grants that nobody used for long, to be kept alive
    create index integration_credentials_refreshed_at_idx on integration_credentials (refreshed_at);

    create table vendor_pace (
      key text primary key,
      per_second double precision not null,
      burst double precision not null,
      tokens double precision not null,
      updated_at timestamptz not null default clock_timestamp(),
      paused_until timestamptz
    );

    create table platform_problems (
      platform text primary key,
      detail text not null,
      since timestamptz not null default now()
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table platform_problems, vendor_pace;
    alter table integration_credentials drop column refreshed_at;
    update user_integrations set status = 'needs_reconnect' where status = 'missing_scope';
    alter table user_integrations drop constraint user_integrations_status_check;
    alter table user_integrations add constraint user_integrations_status_check
      check (status in ('active', 'needs_reconnect', 'disconnecting'));
  `);
}
