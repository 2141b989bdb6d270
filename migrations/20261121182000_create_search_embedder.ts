import type { Knex } from 'knex';

/**
 * Whose vectors searches compare, and how far the hub is on its way to another embedder's. A hub that holds passages already begins with
 * the embedder that most of them have a vector of. What lies in an index outside the database says whose vectors it has also where some
 * are missing, so that those of two embedders never meet there.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table search_embedder (
      -- one row, since all processes search alike
      id integer primary key default 1 constraint search_embedder_id_check check (id = 1),
      active text not null,
      -- to become the active one, once every passage has a vector of it
      target text,
      -- when the active or the target one became so
      changed_at timestamptz not null default now(),
      -- passages: with a vector of the target, in all, and those that its model does not take
      done integer not null default 0,
      total integer not null default 0,
      refused integer not null default 0,
      -- why the last try failed; null once one succeeds
      problem text,
      -- whether vectors of other embedders may still be stored
      leftovers boolean not null default true,
      -- when somebody looks whether there is something to do
      due_at timestamptz not null default now(),
      -- the process that is at work, and until when it counts as alive
      holder uuid,
      held_until timestamptz
    );
    insert into search_embedder (active)
      select e.embedder from chunks c join chunk_embeddings e on e.text_hash = c.text_hash
      group by e.embedder order by count(*) desc, e.embedder limit 1;

    alter table index_copies add column incomplete boolean not null default false;
    update index_copies set incomplete = true where embedder is null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    update index_copies set embedder = null where incomplete;
    alter table index_copies drop column incomplete;
    drop table search_embedder;
  `);
}
