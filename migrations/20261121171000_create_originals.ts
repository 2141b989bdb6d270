import type { Knex } from 'knex';

/**
 * Originals that are kept outside the database, and those that are still to be removed there. A row is written before its object and deleted
 * after it, so that no object is ever unknown; when a document goes, by whatever way, its row stays behind without one.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table originals (
      -- random, and the object's name in its storage
      id uuid not null,
      document_id uuid references documents on delete set null,
      -- 'disk', or the address of a container
      place text not null,
      file_name text not null,
      -- SHA-256 of the bytes, hex
      content_hash text not null,
      -- until then the process that brings it has it in hand
      held_until timestamptz,
      -- set once its removal has begun: no document takes it any more
      doomed_at timestamptz,
      attempts integer not null default 0,
      next_attempt_at timestamptz not null default now(),
      -- why the last attempt to remove it failed
      problem text,
      created_at timestamptz not null default now(),
      constraint originals_pkey primary key (id),
      -- finds a document's original, and is its only one
      constraint originals_document_key unique (document_id)
    );
    -- what is to be removed now
    create index originals_removable_idx on originals (next_attempt_at) where document_id is null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table originals');
}
