import type { Knex } from 'knex';

/**
 * Embeddings that were stored ahead of the document they are for. No chunk refers to them yet, and for a day they are no orphans: a process
 * that was killed meanwhile finds them when it goes on.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table pending_embeddings (
      text_hash text not null,
      embedder text not null,
      created_at timestamptz not null default now(),
      constraint pending_embeddings_pkey primary key (text_hash, embedder)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table pending_embeddings');
}
