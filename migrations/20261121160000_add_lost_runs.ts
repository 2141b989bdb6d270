import type { Knex } from 'knex';

/** What tells a file that the hub dies of from one that was merely in hand when the hub died. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table import_items
      -- runs in a row, with the one under way, that ended without a word; from the third on those that worked on nothing else
      add column lost_runs integer not null default 0;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table import_items drop column lost_runs');
}
