import type { Knex } from 'knex';

/** What was asked of a vendor for an integration, by hour: every process adds to the rows. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table vendor_requests (
      integration_id uuid not null
        constraint vendor_requests_integration_id_fkey references user_integrations (id) on delete cascade,
      -- its beginning
      hour timestamptz not null,
      -- repeated ones too
      requests bigint not null default 0,
      -- of them, those that were answered with a request to wait
      throttled bigint not null default 0,
      -- of them, those without an answer, and those whose answer was the vendor's own fault
      failed bigint not null default 0,
      -- the time that the vendor asked to wait; pauses that overlap in one process count once
      paused_ms bigint not null default 0,
      constraint vendor_requests_pkey primary key (integration_id, hour)
    );
    -- what is older than it is kept
    create index vendor_requests_hour_idx on vendor_requests (hour);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table vendor_requests');
}
