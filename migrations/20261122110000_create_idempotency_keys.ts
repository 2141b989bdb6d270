import type { Knex } from 'knex';

/** Requests that carry an idempotency key, and the imports that they began. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table idempotency_keys (
      user_id uuid not null references users on delete cascade,
      key text not null,
      -- SHA-256 of what was asked for
      request_hash text not null,
      -- null within the transaction only that makes the import
      import_id uuid references imports on delete cascade,
      created_at timestamptz not null default now(),
      constraint idempotency_keys_pkey primary key (user_id, key)
    );
    -- those that are over
    create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
    -- the key of an import that is deleted
    create index idempotency_keys_import_id_idx on idempotency_keys (import_id);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table idempotency_keys');
}
