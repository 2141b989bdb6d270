import type { Knex } from 'knex';

/** Accounts that are connected by a token which a person made: how, at which site, and whether the operator's settings did it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table user_integrations
      -- oauth, or the id of a token form
      add column method text not null default 'oauth',
      add column site_url text,
      add column api_url text,
      add column from_settings boolean not null default false;
    -- the end of such a token is not known
    alter table integration_credentials alter column expires_at drop not null;
  `);
}

/** Grants that are no consent cannot be used by the schema before: their accounts ask to be reconnected. */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    delete from integration_credentials where expires_at is null;
    alter table integration_credentials alter column expires_at set not null;
    update user_integrations set status = 'needs_reconnect' where method <> 'oauth' and status <> 'disconnecting';
    alter table user_integrations
      drop column method, drop column site_url, drop column api_url, drop column from_settings;
  `);
}
