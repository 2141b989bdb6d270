import type { Knex } from 'knex';

/** What tells how far an import is: when each item was settled, what each worker has in hand, how much was listed; and whose content is the same. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- items the vendor named, counted from what it said and not from the rows; null for imports from before this was counted
    alter table imports add column listed integer;

    alter table import_items add column settled_at timestamptz;
    -- the nearest that is known of items settled before
    update import_items set settled_at = coalesce(imports.finished_at, now())
    from imports where imports.id = import_items.import_id and import_items.state not in ('waiting', 'running');
    -- how many items of an import were settled in the last minute
    create index import_items_settled_at_idx on import_items (import_id, settled_at);

    -- Written once a second by each worker and worth nothing after ten: it need not survive a crash.
    create unlogged table worker_activity (
      import_id uuid not null,
      worker_id uuid not null,
      at timestamptz not null default clock_timestamp(),
      -- {"reading": 3}
      stages jsonb not null,
      -- [{"name": "Minutes.pdf", "stage": "reading"}]
      current jsonb not null,
      constraint worker_activity_pkey primary key (import_id, worker_id)
    );

    -- the oldest document of a user with the same content
    create index documents_content_hash_idx on documents (user_id, content_hash, imported_at);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index documents_content_hash_idx;
    drop table worker_activity;
    alter table import_items drop column settled_at;
    alter table imports drop column listed;
  `);
}
