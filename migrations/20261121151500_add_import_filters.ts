import type { Knex } from 'knex';

/** What imports leave out by type, size, name or date; selections keep it, so that their syncs leave out the same. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table imports add column filters jsonb;
    alter table selections add column filters jsonb;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table imports drop column filters;
    alter table selections drop column filters;
  `);
}
