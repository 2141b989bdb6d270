import type { Knex } from 'knex';

/** The categories that a user has are looked up one behind the other, which takes no time however many documents there are. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- the categories of a user, and their documents of one
    create index documents_category_idx on documents (user_id, category) where category is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop index documents_category_idx');
}
